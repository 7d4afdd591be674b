"""The configuration files of the demo's box, cloud and police."""

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from cloud.ca import CLOUD, Authority
from contract.incident import Severity
from demo.ports import Ports
from demo.standin.settings import Settings

SECURITY = "+15005550011"
POLICE = "desk@police.example"
POLICE_CONTACTS = f'police = [{{channel = "email", address = "{POLICE}"}}]'


class DemoCamera(NamedTuple):
    """`zone`: corners in shares of the picture; `hazard`: people found there are victims, not intruders.

    `severity` high tells friends and security; on the square somebody walks over the lane every few seconds.
    """

    id: str
    name: str
    location: str
    zone_name: str
    zone: tuple[tuple[float, float], ...]
    hazard: bool = True
    severity: Severity = "high"


WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
CAMERAS = {
    # The lane behind the cones of a 768x576 picture.
    "square": DemoCamera("square", "Square", "Main square, coned-off lane", "lane",
                         ((0.612, 0.321), (0.807, 0.321), (0.859, 0.573), (0.612, 0.521)),
                         hazard=False, severity="medium"),
    "car": DemoCamera("car", "Car park", "Car park, exit ramp", "ramp", WHOLE),
    "portrait": DemoCamera("portrait", "Library (a moved photograph)", "Library, staff room", "staff-room", WHOLE),
}


def toml(value: Any) -> str:
    """Return a TOML value: JSON's text is TOML's for text, numbers, booleans and lists."""
    return json.dumps(value)


def box_toml(home: Path, ports: Ports, cameras: list[tuple[DemoCamera, str]], models: Path) -> str:
    """Return the box's file. `cameras`: what they are and their addresses."""
    lines = ['box = "demo-box"', f"home = {toml(str(home / 'box'))}", "[http]", f"port = {ports.box}", "[vision]",
             f"models = {toml(str(models))}", "[cloud]", f"url = {toml(f'http://127.0.0.1:{ports.cloud}')}"]
    for camera, uri in cameras:
        lines += ["[[cameras]]", f"id = {toml(camera.id)}", f"name = {toml(camera.name)}",
                  f"location = {toml(camera.location)}", f"uri = {toml(uri)}", "loop = true", "[[cameras.zones]]",
                  f"name = {toml(camera.zone_name)}", f"polygon = {toml(camera.zone)}",
                  f"hazard = {toml(camera.hazard)}", f"severity = {toml(camera.severity)}"]
    return "\n".join(lines) + "\n"


def cloud_toml(home: Path, ports: Ports, standin: Settings, authority: Authority, models: Path,
               profile: Path | None) -> str:
    """Return the cloud's file, with a signed log of its own, or on the Fabric network of this connection profile.

    On Fabric the police are told by their own process, so the campus has no contact of theirs."""
    certificate, key = authority.client(CLOUD)
    ledger = ['kind = "embedded"'] if profile is None else ['kind = "fabric"', f"profile = {toml(str(profile))}"]
    lines = [f"home = {toml(str(home / 'cloud'))}", f"url = {toml(f'http://127.0.0.1:{ports.cloud}')}",
             'site = "Demo campus"', f"authority = {toml(str(authority.home))}",
             "[broker]", f"port = {ports.broker}", f"ca = {toml(str(authority.certificate_path))}",
             f"certificate = {toml(str(certificate))}", f"key = {toml(str(key))}",
             "[http]", f"port = {ports.cloud}", "[vision]", f"models = {toml(str(models))}", "[ledger]", *ledger,
             "[contacts]", f"security = [{{channel = \"sms\", address = {toml(SECURITY)}}}]"]
    if profile is None:
        lines.append(POLICE_CONTACTS)
    return "\n".join([*lines, *_alerts(home, standin)]) + "\n"


def police_toml(home: Path, ports: Ports, standin: Settings, profile: Path, token: Path) -> str:
    """Return the police organisation's file; `token` reads what the campus releases."""
    lines = [f"home = {toml(str(home / 'police'))}", f"url = {toml(f'http://127.0.0.1:{ports.police}')}",
             'site = "Demo police"', "[http]", f"port = {ports.police}", "[ledger]", f"profile = {toml(str(profile))}",
             "[campus]", 'name = "Demo campus"', f"url = {toml(f'http://127.0.0.1:{ports.cloud}')}",
             f"token_file = {toml(str(token))}", "[contacts]", POLICE_CONTACTS]
    return "\n".join([*lines, *_alerts(home, standin)]) + "\n"


def _alerts(home: Path, standin: Settings) -> list[str]:
    """Return the section [alerts]. The providers' secrets are in files of their own."""
    urls = {"twilio": f"twilio://{standin.twilio.sid}:{standin.twilio.token}@{standin.twilio.sender}",
            "fcm": f"fcm://{standin.fcm.project}?mode=oauth2&keyfile={quote(standin.fcm.keyfile)}",
            "email": f"mailto://{quote(standin.mail.user)}:{quote(standin.mail.password)}@{standin.mail.host}:"
                     f"{standin.mail.port}?mode=starttls&from=sentrybox@campus.example"}
    lines = ["[alerts]"]
    for name, url in urls.items():
        path = home / f"{name}.url"
        path.touch(mode=0o600)
        path.write_text(url + "\n", encoding="utf-8")
        lines.append(f"{name}_url_file = {toml(str(path))}")
    return lines
