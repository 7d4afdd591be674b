"""Block 0 of a channel: its configuration, well-formed, with the organisations' roots and policies in it."""

from fabric_protos.common.common_pb2 import (
    CONFIG,
    LAST_CONFIG,
    SIGNATURES,
    TRANSACTIONS_FILTER,
    Block,
    BlockData,
    BlockHeader,
    BlockMetadata,
    ChannelHeader,
    Envelope,
    Header,
    LastConfig,
    Metadata,
    OrdererBlockMetadata,
    Payload,
    SignatureHeader,
)
from fabric_protos.common.configtx_pb2 import Config, ConfigEnvelope, ConfigGroup, ConfigPolicy, ConfigValue
from fabric_protos.common.policies_pb2 import ImplicitMetaPolicy, Policy, SignaturePolicy, SignaturePolicyEnvelope
from fabric_protos.msp.msp_config_pb2 import FabricMSPConfig, FabricNodeOUs, FabricOUIdentifier, MSPConfig
from fabric_protos.msp.msp_principal_pb2 import MSPPrincipal, MSPRole
from fabric_protos.orderer.configuration_pb2 import BatchTimeout

from tests.standin import crypto
from tests.standin.policy import UNITS, Channel

ROLES = {"client": MSPRole.CLIENT, "peer": MSPRole.PEER, "admin": MSPRole.ADMIN, "orderer": MSPRole.ORDERER}


def block(channel: Channel) -> Block:
    head = ChannelHeader(type=CONFIG, version=1, channel_id=channel.name)
    head.timestamp.GetCurrentTime()
    payload = Payload(
        header=Header(
            channel_header=head.SerializeToString(), signature_header=SignatureHeader(nonce=b"").SerializeToString()
        ),
        data=ConfigEnvelope(config=Config(sequence=0, channel_group=_root(channel))).SerializeToString(),
    )
    data = [Envelope(payload=payload.SerializeToString()).SerializeToString()]
    metadata = [b""] * 5
    value = OrdererBlockMetadata(last_config=LastConfig(index=0)).SerializeToString()
    metadata[SIGNATURES] = Metadata(value=value).SerializeToString()
    metadata[LAST_CONFIG] = Metadata(value=LastConfig(index=0).SerializeToString()).SerializeToString()
    metadata[TRANSACTIONS_FILTER] = bytes(1)
    header = BlockHeader(number=0, previous_hash=b"", data_hash=crypto.sha256(b"".join(data)))
    return Block(header=header, data=BlockData(data=data), metadata=BlockMetadata(metadata=metadata))


def _root(channel: Channel) -> ConfigGroup:
    roots = channel.membership.roots
    application, orderer = ConfigGroup(mod_policy="Admins"), ConfigGroup(mod_policy="Admins")
    for mspid in channel.readers:
        group = application.groups[mspid]
        group.CopyFrom(_organisation(mspid, roots[mspid]))
        group.policies["Readers"].CopyFrom(_units(mspid, channel.readers[mspid]))
        group.policies["Writers"].CopyFrom(_units(mspid, channel.writers[mspid]))
    orderer.groups["OrdererMSP"].CopyFrom(_organisation("OrdererMSP", roots["OrdererMSP"]))
    timeout = BatchTimeout(timeout=f"{channel.batch_s * 1000:.0f}ms").SerializeToString()
    orderer.values["BatchTimeout"].CopyFrom(ConfigValue(value=timeout, mod_policy="Admins"))
    root = ConfigGroup(mod_policy="Admins")
    root.groups["Application"].CopyFrom(application)
    root.groups["Orderer"].CopyFrom(orderer)
    for group in (root, root.groups["Application"], root.groups["Orderer"]):
        for name in ("Readers", "Writers"):
            rule = ImplicitMetaPolicy(sub_policy=name, rule=ImplicitMetaPolicy.ANY).SerializeToString()
            policy = Policy(type=Policy.IMPLICIT_META, value=rule)
            group.policies[name].CopyFrom(ConfigPolicy(policy=policy, mod_policy="Admins"))
    return root


def _organisation(mspid: str, root: bytes) -> ConfigGroup:
    units = {
        f"{unit}_ou_identifier": FabricOUIdentifier(certificate=root, organizational_unit_identifier=unit)
        for unit in sorted(UNITS)
    }
    config = FabricMSPConfig(
        name=mspid, root_certs=[root], fabric_node_ous=FabricNodeOUs(enable=True, **units)
    ).SerializeToString()
    group = ConfigGroup(mod_policy="Admins")
    value = MSPConfig(type=0, config=config).SerializeToString()
    group.values["MSP"].CopyFrom(ConfigValue(value=value, mod_policy="Admins"))
    return group


def _units(mspid: str, units: frozenset[str]) -> ConfigPolicy:
    """Any member of the organisation with one of these units."""
    identities, rules = [], []
    for place, unit in enumerate(sorted(units)):
        role = MSPRole(msp_identifier=mspid, role=ROLES[unit]).SerializeToString()
        identities.append(MSPPrincipal(principal_classification=MSPPrincipal.ROLE, principal=role))
        rules.append(SignaturePolicy(signed_by=place))
    rule = SignaturePolicy(n_out_of=SignaturePolicy.NOutOf(n=1, rules=rules))
    value = SignaturePolicyEnvelope(rule=rule, identities=identities).SerializeToString()
    return ConfigPolicy(policy=Policy(type=Policy.SIGNATURE, value=value), mod_policy="Admins")
