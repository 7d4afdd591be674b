"""Check what a box needs, and say how to mend what is wrong: cameras, models, broker, disk, clock, alert channels.

  sentrybox doctor --config box.toml [--cloud-config cloud.toml]

With the cloud's file also its ledger, where that is Hyperledger Fabric: programs, certificates, every peer. One line a
check. Exit status 0: all well, 1: something is wrong.
"""

import argparse
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple, get_args
from urllib.parse import urlsplit

import httpx

from appliance.config import BoxConfig, Camera
from appliance.sync.claim import endpoint
from cloud.config import CloudConfig
from cloud.ledger.fabric import programs
from cloud.ledger.gateway import blocks
from cloud.ledger.gateway.client import Gateway
from cloud.ledger.gateway.failures import GatewayError, SetupError
from cloud.ledger.gateway.identity import Identity
from cloud.ledger.gateway.profile import ConnectionProfile
from contract.config import read_config
from contract.errors import Rejected, SentryboxError
from contract.profile import Channel
from vision.packs.fields import ManifestError
from vision.packs.manifest import check_files, load_manifest

MIN_FREE = 1 << 30
CLOCK_S = 5.0
WAIT_S = 3.0
# A partner's authority needs weeks, not hours, to answer.
CERTIFICATE_DAYS = 30


class Finding(NamedTuple):
    """`fix` is empty when all is well."""

    what: str
    seen: str
    fix: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    parser.add_argument("--cloud-config", type=Path, help="the cloud's TOML file: checks the alerts too")


def run(options: argparse.Namespace) -> int:
    config = read_config(options.config, BoxConfig)
    findings = [finding for check in (check_models, check_cameras, check_disk, check_broker, check_clock)
                for finding in _safely(check, config)]
    if options.cloud_config is not None:
        findings += [*check_alerts(options.cloud_config), *check_fabric(options.cloud_config)]
    for finding in findings:
        print(f"{'!!' if finding.fix else 'ok'}  {finding.what}: {finding.seen}")
        if finding.fix:
            print(f"      -> {finding.fix}")
    return 1 if any(finding.fix for finding in findings) else 0


def _safely(check: Callable[[BoxConfig], Iterator[Finding]], config: BoxConfig) -> Iterator[Finding]:
    try:
        yield from check(config)
    except (OSError, SentryboxError) as error:
        yield Finding(check.__name__.removeprefix("check_"), str(error), "mend what the line says and run this again")


def check_models(config: BoxConfig) -> Iterator[Finding]:
    """The model pack is there and its checksums fit."""
    try:
        manifest = load_manifest(config.vision.models)
        check_files(config.vision.models, manifest)
        yield Finding("models", f"pack {manifest.id}, all checksums fit", "")
    except ManifestError as error:
        yield Finding("models", str(error), "run `sentrybox models build`")


def check_cameras(config: BoxConfig) -> Iterator[Finding]:
    """Every camera can be reached: a file exists, a device is there, an RTSP server accepts connections."""
    if not config.cameras:
        yield Finding("cameras", "none are configured", "add a [[cameras]] section to the box's file")
    for camera in config.cameras:
        yield _camera(camera)


def _camera(camera: Camera) -> Finding:
    what = f"camera {camera.id}"
    address = urlsplit(camera.uri)
    if address.scheme not in ("rtsp", "rtsps"):
        path = Path(address.path if address.scheme == "file" else camera.uri)
        if path.exists():
            return Finding(what, f"{path} is there", "")
        return Finding(what, f"{path} does not exist", "correct `uri` or plug the camera in")
    host, port = address.hostname or "", address.port or 554
    try:
        with socket.create_connection((host, port), timeout=WAIT_S) as link:
            link.settimeout(WAIT_S)
            link.sendall(f"OPTIONS {_without_password(camera.uri)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            answer = link.recv(64)
    except OSError as error:
        return Finding(what, f"{host}:{port} does not answer: {error}",
                       "check the cable, the camera's power, and address and port in `uri`")
    if not answer.startswith(b"RTSP/1.0"):
        return Finding(what, f"{host}:{port} is no RTSP server", "check the port in `uri`")
    status = answer.splitlines()[0].decode(errors="replace")
    return Finding(what, f"{host}:{port} answers {status}", "")


def _without_password(uri: str) -> str:
    address = urlsplit(uri)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def check_disk(config: BoxConfig) -> Iterator[Finding]:
    """There is room for incidents and their pictures."""
    folder = next(path for path in (config.home, *config.home.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Finding("disk", f"{free >> 20} MiB free in {folder}",
                  "" if free >= MIN_FREE else "free some space: below 1 GiB pictures are refused, then incidents")


def check_broker(config: BoxConfig) -> Iterator[Finding]:
    """The box is claimed and its broker accepts its certificate."""
    place = endpoint(config.home)
    if place is None:
        yield Finding("broker", "this box is not claimed",
                      "get a code on the cloud's fleet page and start the box once with --claim CODE")
        return
    context = ssl.create_default_context(cafile=str(place.ca))
    context.load_cert_chain(place.certificate, place.key)
    try:
        with socket.create_connection((place.host, place.port), timeout=WAIT_S) as plain, \
                context.wrap_socket(plain, server_hostname=place.host) as link:
            yield Finding("broker", f"{place.host}:{place.port} accepts this box's certificate ({link.version()})", "")
    except ssl.SSLError as error:
        yield Finding("broker", f"{place.host}:{place.port} refuses the certificate: {error}",
                      "look at the clock; if that is right, ask the cloud's admin whether the box was revoked")
    except OSError as error:
        yield Finding("broker", f"{place.host}:{place.port} does not answer: {error}",
                      "check network and firewall; the box goes on without and sends everything later")


def check_clock(config: BoxConfig) -> Iterator[Finding]:
    """The clock agrees with the cloud's, whose answers carry the time."""
    if config.cloud is None:
        yield Finding("clock", time.strftime("%Y-%m-%dT%H:%M:%S%z") + ", no cloud to compare with", "")
        return
    try:
        answer = httpx.get(f"{config.cloud.url}/healthz", timeout=WAIT_S, trust_env=False,
                           verify=str(config.cloud.ca) if config.cloud.ca else True)
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError) as error:
        yield Finding("clock", f"not compared: {config.cloud.url} does not say the time ({error})",
                      "check `cloud.url`; without the cloud look at the clock yourself")
        return
    off = time.time() - theirs
    yield Finding("clock", f"{off:+.1f} s beside the cloud's", "" if abs(off) <= CLOCK_S
                  else "set it: `timedatectl set-ntp true`, or a time server of the site")


def check_alerts(path: Path) -> Iterator[Finding]:
    """Every alert channel of the cloud is configured."""
    config = read_config(path, CloudConfig)
    urls = config.alert_urls()
    for channel in get_args(Channel):
        configured = channel in urls
        yield Finding(f"alerts by {channel}", "configured" if configured else "not configured",
                      "" if configured else f"name a provider for {channel} in [alerts] of {path}")
    for group in ("security", "police"):
        known = len(getattr(config.contacts, group))
        yield Finding(f"contacts of {group}", f"{known} addresses", "" if known else
                      f"name at least one in [contacts] of {path}, or on the cloud's page")


def check_fabric(path: Path) -> Iterator[Finding]:
    """A Fabric ledger's programs (where FABRIC_BIN says that this machine runs a network), certificates and peers."""
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
        yield Finding("fabric profile", str(error), "correct `ledger.profile`, or run `sentrybox fabric up` again")
        return
    for peer, gateway in gateways:
        for channel in sorted(profile.channels):
            yield _fabric_peer(f"{peer.mspid}'s peer at {peer.address}, {channel}", gateway,
                               profile.identity(channel), channel)
        gateway.close()


def _fabric_programs() -> Finding:
    try:
        found = programs.require()
        return Finding("fabric programs", f"version {found.version} in {found.peer.parent}", "")
    except Rejected as error:
        return Finding("fabric programs", error.detail, error.hint)


def _fabric_member(identity: Identity, channel: str) -> Finding:
    days = (identity.not_after - datetime.now(UTC)).days
    fix = "have your organisation's authority issue a new one: docs/fabric.md"
    return Finding(f"fabric certificate for {channel}", f"{identity.mspid}, {days} days left",
                   "" if days > CERTIFICATE_DAYS else fix)


def _fabric_peer(what: str, gateway: Gateway, identity: Identity, channel: str) -> Finding:
    try:
        height = blocks.chain_info(gateway, identity, channel).height
    except GatewayError as error:
        return Finding(what, str(error), "look at that peer's log; on this machine `sentrybox fabric status`")
    return Finding(what, f"{height} blocks", "")
