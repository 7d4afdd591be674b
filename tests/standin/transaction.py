"""The nested messages of an endorsed transaction, taken apart."""

from typing import NamedTuple

from fabric_protos.common.common_pb2 import ChannelHeader, Envelope, Payload, SignatureHeader
from fabric_protos.ledger.rwset.kvrwset.kv_rwset_pb2 import KVRWSet
from fabric_protos.ledger.rwset.rwset_pb2 import TxReadWriteSet
from fabric_protos.peer.proposal_pb2 import ChaincodeAction
from fabric_protos.peer.proposal_response_pb2 import Endorsement, ProposalResponsePayload
from fabric_protos.peer.transaction_pb2 import ChaincodeActionPayload, Transaction


class Endorsed(NamedTuple):
    channel_header: ChannelHeader
    signature_header: SignatureHeader
    action_payload: ChaincodeActionPayload
    response_payload: ProposalResponsePayload
    action: ChaincodeAction

    @property
    def namespaces(self) -> list[tuple[str, KVRWSet]]:
        """Namespace and read/write set. Raises DecodeError."""
        sets = TxReadWriteSet.FromString(self.action.results)
        return [(each.namespace, KVRWSet.FromString(each.rwset)) for each in sets.ns_rwset]

    @property
    def endorsements(self) -> list[Endorsement]:
        return list(self.action_payload.action.endorsements)


def read_endorsed(envelope: bytes) -> Endorsed:
    """The first action of an endorser transaction. Raises DecodeError, or IndexError where there is none."""
    payload = Payload.FromString(Envelope.FromString(envelope).payload)
    action_payload = ChaincodeActionPayload.FromString(Transaction.FromString(payload.data).actions[0].payload)
    response_payload = ProposalResponsePayload.FromString(action_payload.action.proposal_response_payload)
    return Endorsed(
        ChannelHeader.FromString(payload.header.channel_header),
        SignatureHeader.FromString(payload.header.signature_header),
        action_payload,
        response_payload,
        ChaincodeAction.FromString(response_payload.extension),
    )
