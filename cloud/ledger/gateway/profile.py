"""The connection profile: which peers, and as whom on which channel. Paths are relative to its file."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.connection import Peer
from cloud.ledger.gateway.failures import SetupError
from cloud.ledger.gateway.identity import Identity


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PeerAddress(_Part):
    """address: host:port. tls_ca: file. server_name: the name in its TLS certificate, where that is not the host."""

    address: str = Field(pattern=r"^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$")
    mspid: str
    tls_ca: Path
    server_name: str | None = None


class MemberFiles(_Part):
    """As whom: organisation, and files of certificate and key."""

    mspid: str
    certificate: Path
    key: Path


class ConnectionProfile(_Part):
    """As in profiles/*.json. chaincode: its name on every channel. peers: in the order of preference."""

    version: Literal[1]
    chaincode: str = Field(min_length=1)
    peers: tuple[PeerAddress, ...] = Field(min_length=1)
    channels: dict[str, MemberFiles] = Field(min_length=1)
    _home: Path = PrivateAttr()

    @classmethod
    def read(cls, path: Path) -> "ConnectionProfile":
        """Read a profile. Raises SetupError that names the file and each wrong field."""
        try:
            profile = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise SetupError(f"connection profile {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
            raise SetupError(f"connection profile {path}: {wrong}") from error
        profile._home = path.resolve().parent
        return profile

    def gateway(self) -> Gateway:
        """Return a client of all its peers; nothing is connected yet. Raises SetupError."""
        return Gateway([Peer(peer.address, self._bytes(peer.tls_ca), peer.server_name, peer.mspid)
                        for peer in self.peers])

    def identity(self, channel: str) -> Identity:
        """Return our identity on that channel. Raises SetupError."""
        member = self.channels.get(channel)
        if member is None:
            raise SetupError(f"the connection profile in {self._home} has no identity for channel {channel!r}, only "
                             f"for {', '.join(sorted(self.channels))}")
        return Identity.load(member.mspid, self._home / member.certificate, self._home / member.key)

    def _bytes(self, path: Path) -> bytes:
        try:
            return (self._home / path).read_bytes()
        except OSError as error:
            raise SetupError(f"{error.filename}, named by the connection profile, cannot be read: {error.strerror}"
                             ) from error
