"""A site for tests: authority, broker and the cloud's configuration, each in a folder of the test's own."""

import json
from pathlib import Path

from cloud.broker import Broker
from cloud.ca import CLOUD, Authority
from tests.support.ports import free_port


class Site:
    """`start()` gives a running broker; `config()` a cloud.toml that belongs to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = Authority(home / "authority")
        self.broker = Broker(home / "broker", self.authority, port=free_port())

    def start(self) -> "Site":
        self.broker.start()
        return self

    def config(self, database: str = "", **sections: dict) -> Path:
        """Write cloud.toml; `sections` add to or replace what it has."""
        certificate, key = self.authority.client(CLOUD)
        document = {
            "database": {"url": database},
            "broker": {
                "port": self.broker.port,
                "ca": str(self.authority.certificate_path),
                "certificate": str(certificate),
                "key": str(key),
            },
            "http": {"port": 0},
            **sections,
        }
        lines = [
            f"home = {json.dumps(str(self.home / 'cloud'))}",
            'url = "http://127.0.0.1:8443"',
            f"authority = {json.dumps(str(self.home / 'authority'))}",
        ]
        for name, values in document.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path = self.home / "cloud.toml"
        path.write_text("\n".join(lines) + "\n")
        return path
