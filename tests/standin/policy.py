"""Who may do what: membership (chain to the root, NodeOU) and the channels' Readers and Writers."""

from datetime import timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.msp.identities_pb2 import SerializedIdentity
from google.protobuf.message import DecodeError

from tests.standin import crypto

UNITS = frozenset({"client", "peer", "admin", "orderer"})


class NotMember(Exception):
    """This identity is unknown here, is malformed or has no valid certificate; the text says which."""


class Denied(Exception):
    """A policy is not satisfied; the text is Fabric's."""


class Member(NamedTuple):
    mspid: str
    certificate: x509.Certificate
    unit: str

    def signed(self, data: bytes, signature: bytes) -> bool:
        return crypto.signed(self.certificate, data, signature)


class Membership:
    """The MSPs of one channel. `roots` maps MSP id to the PEM certificate of its authority."""

    def __init__(self, roots: dict[str, bytes]) -> None:
        self.roots = roots

    def known(self, creator: bytes) -> tuple[str, x509.Certificate]:
        """The MSP id and the certificate in a serialised identity, if the MSP's authority issued it.

        The chain is checked at the certificate's own first second, as Fabric's MSP does it (FAB-3678), so an expired
        certificate is known; one that is older than its authority is not.
        """
        try:
            identity = SerializedIdentity.FromString(creator)
            certificate = crypto.certificate(identity.id_bytes)
        except (DecodeError, ValueError) as error:
            raise NotMember(f"could not deserialize the identity: {error}") from error
        if identity.mspid not in self.roots:
            raise NotMember(f"MSP {identity.mspid} is unknown")
        root = crypto.certificate(self.roots[identity.mspid])
        try:
            certificate.verify_directly_issued_by(root)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise NotMember("the certificate was signed by an unknown authority") from error
        then = certificate.not_valid_before_utc + timedelta(seconds=1)
        if not root.not_valid_before_utc <= then <= min(root.not_valid_after_utc, certificate.not_valid_after_utc):
            raise NotMember("the certificate is not valid within its authority's time")
        return identity.mspid, certificate

    def member(self, creator: bytes) -> Member:
        """The same with exactly one of the units that tell a client from a peer."""
        mspid, certificate = self.known(creator)
        if not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
            raise NotMember("the identity has no ECDSA key")
        names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        units = {str(name.value) for name in names} & UNITS
        if len(units) != 1:
            raise NotMember(f"the identity must have one of the OUs {sorted(UNITS)}, it has {sorted(units)}")
        return Member(mspid, certificate, units.pop())


class Channel(NamedTuple):
    """readers, writers: MSP id to the units that satisfy the policy of the same name."""

    name: str
    batch_s: float
    membership: Membership
    readers: dict[str, frozenset[str]]
    writers: dict[str, frozenset[str]]

    def check(self, policy: str, creator: bytes, data: bytes, signature: bytes) -> None:
        """/Channel/Writers, which the orderer asks: an application organisation's, or any member of OrdererMSP.
        Raises Denied, in the words of Fabric's implicit policies: they never say which part was wrong."""
        self._check(policy, {"OrdererMSP": UNITS}, creator, data, signature)

    def acl(self, policy: str, creator: bytes, data: bytes, signature: bytes) -> None:
        """/Channel/Application/Readers or Writers, which a peer asks for its resources. Raises Denied."""
        try:
            self._check(policy, {}, creator, data, signature)
        except Denied as denied:
            raise Denied(
                f"Failed evaluating policy on signed data during check policy on channel [{self.name}] "
                f"with policy [/Channel/Application/{policy}]: [{denied}]"
            ) from None

    def _check(
        self, policy: str, others: dict[str, frozenset[str]], creator: bytes, data: bytes, signature: bytes
    ) -> None:
        allowed = {**{"Readers": self.readers, "Writers": self.writers}[policy], **others}
        try:
            member = self.membership.member(creator)
        except NotMember:
            member = None
        if member is None or member.unit not in allowed.get(member.mspid, ()) or not member.signed(data, signature):
            raise Denied(
                "implicit policy evaluation failed - 0 sub-policies were satisfied, "
                f"but this policy requires 1 of the '{policy}' sub-policies to be satisfied"
            )


ALL, CLIENTS = frozenset({"admin", "peer", "client"}), frozenset({"admin", "client"})


def channels(roots: dict[str, bytes]) -> dict[str, Channel]:
    """The two channels. On `police` CampusMSP is there with its peer and its admin only."""
    general = {"CampusMSP": ALL, "PoliceMSP": ALL}, {"CampusMSP": CLIENTS, "PoliceMSP": CLIENTS}
    police = (
        {"CampusMSP": frozenset({"admin", "peer"}), "PoliceMSP": ALL, "CampusSecMSP": CLIENTS},
        {"CampusMSP": frozenset({"admin"}), "PoliceMSP": CLIENTS, "CampusSecMSP": CLIENTS},
    )
    return {"general": _channel("general", 0.5, roots, *general), "police": _channel("police", 0.2, roots, *police)}


def _channel(name: str, batch_s: float, roots: dict[str, bytes], readers: dict, writers: dict) -> Channel:
    members = {mspid: roots[mspid] for mspid in (*readers, "OrdererMSP")}
    return Channel(name, batch_s, Membership(members), readers, writers)
