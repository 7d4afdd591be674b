"""Connection profiles: how a client of each organisation reaches the network, and as whom on which channel."""

import json
from collections.abc import Mapping
from pathlib import Path

from cloud.ledger.fabric import whole
from cloud.ledger.fabric.identities import ORGANISATIONS

CHAINCODE = "sentrybox"
# Who speaks on which channel. The peers are tried in this order, the own organisation's first.
PROFILES = {
    "campus": (("campus", "police"), {"general": ("campus", "recorder"), "police": ("campussec", "recorder")}),
    "police": (("police", "campus"), {"general": ("police", "listener"), "police": ("police", "listener")}),
}


def write(home: Path, addresses: Mapping[str, str]) -> None:
    """Write profiles/campus.json and police.json; `addresses` gives host:port of the campus and the police peer."""
    mspids = {organisation.name: organisation.mspid for organisation in ORGANISATIONS}
    for name, (peers, channels) in PROFILES.items():
        profile = {
            "version": 1,
            "chaincode": CHAINCODE,
            "peers": [{"address": addresses[peer], "mspid": mspids[peer],
                       "tls_ca": f"../organisations/{peer}/tlsca.pem", "server_name": None} for peer in peers],
            "channels": {channel: {"mspid": mspids[organisation], **_signing(organisation, user)}
                         for channel, (organisation, user) in channels.items()},
        }
        whole.write(home / "profiles" / f"{name}.json", json.dumps(profile, indent=2) + "\n")


def _signing(organisation: str, user: str) -> dict[str, str]:
    msp = f"../organisations/{organisation}/users/{user}/msp"
    return {"certificate": f"{msp}/signcerts/cert.pem", "key": f"{msp}/keystore/key.pem"}
