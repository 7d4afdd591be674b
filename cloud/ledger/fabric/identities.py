"""The organisations of a network and their certificates, in folders below the network's home.

    organisations/ORG/{ca,tlsca}.{pem,key}      the organisation's two authorities: members, and TLS
    organisations/ORG/msp/                      the channel's view: what a member of it looks like
    organisations/ORG/nodes/NODE/{msp,tls}/     a peer or an orderer
    organisations/ORG/users/USER/msp/           a person or a service
    organisations/ORG/chaincode/                mutual TLS between the organisation's peer and its chaincode
    roots/MSPID.pem                             what a verifier of proofs trusts

This is for development and tests. In production each organisation keeps its own authority: docs/fabric.md.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from cloud.ledger.fabric import certificates, whole
from cloud.ledger.fabric.certificates import Authority, Pair
from contract.errors import NotFound

ROLE = "sentrybox.role"
UNITS = ("client", "peer", "admin", "orderer")


class FabricOrganisation(NamedTuple):
    """`users` maps each user besides the administrator to the Fabric CA attributes of their certificate."""

    name: str
    mspid: str
    peer: bool
    users: dict[str, dict[str, str]]


ORGANISATIONS = (
    FabricOrganisation("orderer", "OrdererMSP", False, {}),
    FabricOrganisation("campus", "CampusMSP", True, {"recorder": {ROLE: "recorder"}, "reader": {}}),
    # The police channel's writer: role policies cannot tell one campus client from another, so it has its own MSP.
    FabricOrganisation("campussec", "CampusSecMSP", False, {"recorder": {ROLE: "recorder"}}),
    FabricOrganisation("police", "PoliceMSP", True, {"listener": {ROLE: "police"}}),
)


def make(home: Path, *, orderers: int = 1) -> None:
    """Make whatever is missing of all organisations, their nodes, users and roots/. Existing files stay as they are."""
    for organisation in ORGANISATIONS:
        folder = home / "organisations" / organisation.name
        signer, _ = _authorities(folder)
        if not (folder / "msp").exists():
            with whole.folder(folder / "msp") as new:
                _common(folder, new)
        nodes = {"orderer": [f"orderer{n}" for n in range(orderers)]}.get(organisation.name,
                                                                          ["peer0"] if organisation.peer else [])
        for node in nodes:
            _node(folder, node, "peer" if organisation.peer else "orderer")
        for user, attributes in organisation.users.items():
            if not (folder / "users" / user).exists():
                issue(folder, user, attributes=attributes)
        if not (folder / "users" / "admin").exists():
            issue(folder, "admin", ou="admin")
        if organisation.peer:
            _chaincode(folder)
        pem = signer.certificate.public_bytes(Encoding.PEM)
        whole.write(home / "roots" / f"{organisation.mspid}.pem", pem)


def issue(folder: Path, user: str, *, ou: str = "client", attributes: Mapping[str, str] | None = None,
          not_after: datetime | None = None, not_before: datetime | None = None) -> Path:
    """Give a user of the organisation in `folder` a new key and certificate, replacing any they have.

    Returns users/USER/msp. Without times the certificate begins with its authority's and ends in five years. An
    administrator gets a TLS client certificate too, in users/USER/tls. Raises NotFound without an authority there.
    """
    if not (folder / "ca.pem").exists():
        raise NotFound(f"{folder} holds no organisation: ca.pem is missing", hint="`sentrybox fabric up` makes it")
    signer, tls = _authorities(folder)
    pair = certificates.member(signer, f"{user}@{folder.name}", ou, attributes or {}, not_before, not_after)
    with whole.folder(folder / "users" / user) as new:
        _signing(folder, new / "msp", pair)
        if ou == "admin":
            _pair(new / "tls", "client", certificates.tls(tls, f"{user}.{folder.name}"))
    return folder / "users" / user / "msp"


def _authorities(folder: Path) -> tuple[Authority, Authority]:
    name = folder.name
    return (certificates.authority(folder / "ca.pem", folder / "ca.key", f"ca.{name}", name),
            certificates.authority(folder / "tlsca.pem", folder / "tlsca.key", f"tlsca.{name}", name))


def _node(folder: Path, node: str, unit: str) -> None:
    if (folder / "nodes" / node).exists():
        return
    signer, tls = _authorities(folder)
    with whole.folder(folder / "nodes" / node) as new:
        _signing(folder, new / "msp", certificates.member(signer, f"{node}.{folder.name}", unit, {}))
        _pair(new / "tls", "server", certificates.tls(tls, f"{node}.{folder.name}"))
        whole.write(new / "tls" / "ca.crt", (folder / "tlsca.pem").read_bytes())


def _chaincode(folder: Path) -> None:
    if (folder / "chaincode").exists():
        return
    _, tls = _authorities(folder)
    with whole.folder(folder / "chaincode") as new:
        for side in ("server", "client"):
            _pair(new, side, certificates.tls(tls, f"chaincode-{side}.{folder.name}"))
        whole.write(new / "ca.crt", (folder / "tlsca.pem").read_bytes())


def _signing(folder: Path, msp: Path, pair: Pair) -> None:
    _common(folder, msp)
    whole.write(msp / "keystore" / "key.pem", pair.key, 0o600)
    whole.write(msp / "signcerts" / "cert.pem", pair.certificate)


def _common(folder: Path, msp: Path) -> None:
    whole.write(msp / "cacerts" / "ca.pem", (folder / "ca.pem").read_bytes())
    whole.write(msp / "tlscacerts" / "tlsca.pem", (folder / "tlsca.pem").read_bytes())
    lines = ["NodeOUs:", "  Enable: true"]
    for unit in UNITS:
        lines += [f"  {unit.capitalize()}OUIdentifier:", "    Certificate: cacerts/ca.pem",
                  f"    OrganizationalUnitIdentifier: {unit}"]
    whole.write(msp / "config.yaml", "\n".join(lines) + "\n")


def _pair(folder: Path, name: str, pair: Pair) -> None:
    whole.write(folder / f"{name}.key", pair.key, 0o600)
    whole.write(folder / f"{name}.crt", pair.certificate)
