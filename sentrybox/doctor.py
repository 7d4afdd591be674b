"""Check what a box needs, and say how to mend what is wrong: cameras, models, broker, disk, clock, alert channels.

  sentrybox doctor --config box.toml [--cloud-config cloud.toml]

With the cloud's file also its ledger, where that is Hyperledger Fabric: programs, certificates, every peer. One line a
check. Exit status 0: all well, 1: something is wrong.
"""

import argparse
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from appliance.config import BoxConfig, CameraSettings
from appliance.sync.claim import endpoint
from contract.camera import RuleState
from contract.config import read_config
from contract.errors import SentryboxError
from sentrybox.findings import Checked
from vision.packs.fields import ManifestError
from vision.packs.manifest import check_files, load_manifest, remedy

MIN_FREE = 1 << 30
CLOCK_S = 5.0
WAIT_S = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    parser.add_argument("--cloud-config", type=Path, help="the cloud's TOML file: checks the alerts too")


def run(options: argparse.Namespace) -> int:
    config = read_config(options.config, BoxConfig)
    findings = [finding for check in (check_models, check_cameras, check_rules, check_disk, check_broker, check_clock)
                for finding in _safely(check, config)]
    if options.cloud_config is not None:
        # Only a machine of the cloud has what these need.
        from sentrybox.doctor_cloud import check_alerts, check_fabric
        findings += [*check_alerts(options.cloud_config), *check_fabric(options.cloud_config)]
    for finding in findings:
        print(f"{'!!' if finding.fix else 'ok'}  {finding.what}: {finding.seen}")
        if finding.fix:
            print(f"      -> {finding.fix}")
    return 1 if any(finding.fix for finding in findings) else 0


def _safely(check: Callable[[BoxConfig], Iterator[Checked]], config: BoxConfig) -> Iterator[Checked]:
    try:
        yield from check(config)
    except (OSError, SentryboxError) as error:
        yield Checked(check.__name__.removeprefix("check_"), str(error), "mend what the line says and run this again")


def check_models(config: BoxConfig) -> Iterator[Checked]:
    """Check that the model pack is there and its checksums fit."""
    try:
        manifest = load_manifest(config.vision.models)
        check_files(config.vision.models, manifest)
        yield Checked("models", f"pack {manifest.id}, all checksums fit", "")
    except ManifestError as error:
        yield Checked("models", str(error), remedy(config.vision.models.name))


def check_cameras(config: BoxConfig) -> Iterator[Checked]:
    """Check that every camera can be reached: a file exists, a device is there, an RTSP server accepts connections."""
    if not config.cameras:
        yield Checked("cameras", "none are configured", "add a [[cameras]] section to the box's file")
    for camera in config.cameras:
        yield _camera(camera)


def _camera(camera: CameraSettings) -> Checked:
    what = f"camera {camera.id}"
    address = urlsplit(camera.uri)
    if address.scheme not in ("rtsp", "rtsps"):
        path = Path(address.path if address.scheme == "file" else camera.uri)
        if path.exists():
            return Checked(what, f"{path} is there", "")
        return Checked(what, f"{path} does not exist", "correct `uri` or plug the camera in")
    host, port = address.hostname or "", address.port or 554
    try:
        with socket.create_connection((host, port), timeout=WAIT_S) as link:
            link.settimeout(WAIT_S)
            link.sendall(f"OPTIONS {_without_password(camera.uri)} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            answer = link.recv(64)
    except OSError as error:
        return Checked(what, f"{host}:{port} does not answer: {error}",
                       "check the cable, the camera's power, and address and port in `uri`")
    if not answer.startswith(b"RTSP/1.0"):
        return Checked(what, f"{host}:{port} is no RTSP server", "check the port in `uri`")
    status = answer.splitlines()[0].decode(errors="replace")
    return Checked(what, f"{host}:{port} answers {status}", "")


def check_rules(config: BoxConfig) -> Iterator[Checked]:
    """Yield what runs on which camera. A rule that is off is somebody's wish, not a fault."""
    for camera in config.cameras:
        said = "; ".join(_rule_in_words(rule) for rule in config.rules_of(camera).states())
        yield Checked(f"rules of {camera.id}", said, "")


def _rule_in_words(rule: RuleState) -> str:
    if not rule.on:
        return f"{rule.kind} is off"
    own = ", ".join(f"{name} {value}" for name, value in rule.settings.items())
    return f"{rule.kind} reports {rule.effect}" + (f" ({own})" if own else "")


def _without_password(uri: str) -> str:
    address = urlsplit(uri)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def check_disk(config: BoxConfig) -> Iterator[Checked]:
    """Check that there is room for incidents and their pictures."""
    folder = next(path for path in (config.home, *config.home.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Checked("disk", f"{free >> 20} MiB free in {folder}",
                  "" if free >= MIN_FREE else "free some space: below 1 GiB pictures are refused, then incidents")


def check_broker(config: BoxConfig) -> Iterator[Checked]:
    """Check that the box is claimed and its broker accepts its certificate."""
    place = endpoint(config.home)
    if place is None:
        yield Checked("broker", "this box is not claimed",
                      "get a code on the cloud's fleet page and start the box once with --claim CODE")
        return
    context = ssl.create_default_context(cafile=str(place.ca))
    context.load_cert_chain(place.certificate, place.key)
    try:
        with socket.create_connection((place.host, place.port), timeout=WAIT_S) as plain, \
                context.wrap_socket(plain, server_hostname=place.host) as link:
            yield Checked("broker", f"{place.host}:{place.port} accepts this box's certificate ({link.version()})", "")
    except ssl.SSLError as error:
        yield Checked("broker", f"{place.host}:{place.port} refuses the certificate: {error}",
                      "look at the clock; if that is right, ask the cloud's admin whether the box was revoked")
    except OSError as error:
        yield Checked("broker", f"{place.host}:{place.port} does not answer: {error}",
                      "check network and firewall; the box goes on without and sends everything later")


def check_clock(config: BoxConfig) -> Iterator[Checked]:
    """Check that the clock agrees with the cloud's, whose answers carry the time."""
    if config.cloud is None:
        yield Checked("clock", time.strftime("%Y-%m-%dT%H:%M:%S%z") + ", no cloud to compare with", "")
        return
    try:
        answer = httpx.get(f"{config.cloud.url}/healthz", timeout=WAIT_S, trust_env=False,
                           verify=str(config.cloud.ca) if config.cloud.ca else True)
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError) as error:
        yield Checked("clock", f"not compared: {config.cloud.url} does not say the time ({error})",
                      "check `cloud.url`; without the cloud look at the clock yourself")
        return
    off = time.time() - theirs
    yield Checked("clock", f"{off:+.1f} s beside the cloud's", "" if abs(off) <= CLOCK_S
                  else "set it: `timedatectl set-ntp true`, or a time server of the site")
