"""The ACL of CommitStatus and ChaincodeEvents."""

import grpc

from tests.standin.answers import Failure
from tests.standin.policy import Channel, Denied


def check_readers(channels: dict[str, Channel], name: str, identity: bytes, data: bytes, signature: bytes) -> None:
    """Raises Failure (PERMISSION_DENIED)."""
    if not name:
        message = "Invalid channel ID name during check policy on signed data. Name must be different from nil."
        raise Failure(grpc.StatusCode.PERMISSION_DENIED, message)
    if name not in channels:
        raise Failure(grpc.StatusCode.PERMISSION_DENIED, f"Failed to get policy manager for channel [{name}]")
    try:
        channels[name].acl("Readers", identity, data, signature)
    except Denied as denied:
        raise Failure(grpc.StatusCode.PERMISSION_DENIED, str(denied)) from None
