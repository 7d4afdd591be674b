"""The doctor's checks of the cloud's file: alert channels, and a Fabric ledger's programs, certificates and peers."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from cloud.config import CloudConfig
from cloud.ledger.fabric import programs
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.failures import GatewayError, SetupError
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile
from cloud.notify.apprise_channel import channels_from
from contract.config import read_config
from contract.errors import Rejected
from contract.profile import Channel
from sentrybox.findings import Checked

# A partner's authority needs weeks, not hours, to answer.
CERTIFICATE_DAYS = 30


def check_alerts(path: Path) -> Iterator[Checked]:
    """Check that every alert channel of the cloud is configured, with a URL that could send. Nothing is sent."""
    config = read_config(path, CloudConfig)
    for channel in get_args(Channel):
        yield _alerts_by(channel, config, path)
    for group in ("security", "police"):
        known = len(getattr(config.contacts, group))
        yield Checked(f"contacts of {group}", f"{known} addresses", "" if known else
                      f"name at least one in [contacts] of {path}, or on the cloud's page")


def _alerts_by(channel: Channel, config: CloudConfig, path: Path) -> Checked:
    what = f"alerts by {channel}"
    try:
        url = config.alerts.url(channel)
        if url is None:
            return Checked(what, "not configured", f"name a provider for {channel} in [alerts] of {path}")
        channels_from({channel: url})
    except Rejected as error:
        return Checked(what, error.detail, error.hint or f"mend [alerts] of {path}")
    return Checked(what, "configured", "")


def check_fabric(path: Path) -> Iterator[Checked]:
    """Check a Fabric ledger's programs (where FABRIC_BIN says that this machine runs a network), certificates and
    peers.
    """
    if "FABRIC_BIN" in os.environ:
        yield _fabric_programs()
    profile_path = read_config(path, CloudConfig).ledger.profile
    if profile_path is None:
        return
    try:
        profile = ConnectionProfile.read(profile_path)
        for channel in sorted(profile.channels):
            yield _fabric_member(profile.identity(channel), channel)
        gateways = [(peer, profile.model_copy(update={"peers": (peer,)}).gateway()) for peer in profile.peers]
    except SetupError as error:
        yield Checked("fabric profile", str(error), "correct `ledger.profile`, or run `sentrybox fabric up` again")
        return
    for peer, gateway in gateways:
        for channel in sorted(profile.channels):
            yield _fabric_peer(f"{peer.mspid}'s peer at {peer.address}, {channel}", gateway,
                               profile.identity(channel), channel)
        gateway.close()


def _fabric_programs() -> Checked:
    try:
        found = programs.require()
        return Checked("fabric programs", f"version {found.version} in {found.peer.parent}", "")
    except Rejected as error:
        return Checked("fabric programs", error.detail, error.hint)


def _fabric_member(identity: Identity, channel: str) -> Checked:
    days = (identity.not_after - datetime.now(UTC)).days
    fix = "have your organisation's authority issue a new one: docs/fabric.md"
    return Checked(f"fabric certificate for {channel}", f"{identity.mspid}, {days} days left",
                   "" if days > CERTIFICATE_DAYS else fix)


def _fabric_peer(what: str, gateway: Gateway, identity: Identity, channel: str) -> Checked:
    try:
        height = blocks.chain_info(gateway, identity, channel).height
    except GatewayError as error:
        return Checked(what, str(error), "look at that peer's log; on this machine `sentrybox fabric status`")
    return Checked(what, f"{height} blocks", "")
