"""A Mosquitto of our own as a child process, for the demo, tests and small sites; larger ones run it as a service
with the same two files."""

import getpass
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

from cloud.ca import CLOUD, Authority
from contract.errors import Rejected, Unavailable
from contract.messages import MAX_MESSAGE

PACKET_ROOM = 64 * 1024
"""Bytes that a packet may have over MAX_MESSAGE. No message_size_limit is set: Mosquitto (2.0.11) answers both limits
by ending the connection, the client sends the packet again when it is back, and so on for ever. What is a little
too large passes and is refused by ingest, with a reason."""
READY_S = 15.0
STOP_S = 10.0

# `user`: started by root, Mosquitto would change to a user who may not read the keys.
CONFIGURATION = """\
user {user}
per_listener_settings false
allow_anonymous false
max_packet_size {packet}
max_queued_messages 1000
max_inflight_messages 20
persistence true
persistence_location {home}/
autosave_interval 60
listener {port} {host}
cafile {authority}/ca.pem
crlfile {authority}/crl.pem
certfile {certificate}
keyfile {key}
require_certificate true
use_identity_as_username true
acl_file {home}/acl
log_dest file {home}/mosquitto.log
log_type error
log_type warning
log_type notice
"""
ACL = f"""\
user {CLOUD}
topic read up/#
topic write down/#

pattern write up/%u/#
pattern read down/%u/#
"""


class Broker:
    """A Mosquitto process of our own, for one campus."""

    def __init__(
        self,
        home: Path,
        authority: Authority,
        port: int,
        host: str = "127.0.0.1",
        names: tuple[str, ...] = (),
    ) -> None:
        """Writes mosquitto.conf and acl into `home`. `names`: other host names that boxes reach the broker by."""
        self.host, self.port = host, port
        self._home, self._authority = home, authority
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificate, key = authority.server("broker", names)
        (home / "mosquitto.conf").write_text(
            CONFIGURATION.format(
                user=getpass.getuser(),
                packet=MAX_MESSAGE + PACKET_ROOM,
                home=home.resolve(),
                host=host,
                port=self.port,
                authority=authority.home.resolve(),
                certificate=certificate.resolve(),
                key=key.resolve(),
            )
        )
        acl = home / "acl"
        acl.write_text(ACL)
        acl.chmod(0o600)

    def start(self) -> None:
        """Start and wait until it accepts TLS. Raises Rejected when Mosquitto is not installed, Unavailable when it
        does not come up (the reason is its own last words)."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            raise Rejected("the program mosquitto is not installed", hint="apt-get install mosquitto")
        self._process = subprocess.Popen(
            [program, "-c", str(self._home / "mosquitto.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Unavailable(
                    f"the broker does not accept connections on {self.host}:{self.port}: {self._said()}"
                )
            time.sleep(0.03)

    def running(self) -> bool:
        """Return whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def reload(self) -> None:
        """Read revocation list and ACL again; connections that are up stay up, so ingest checks every message."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self, *, kill: bool = False) -> None:
        """End it, and wait until it is gone; `kill` without letting it save (for tests of faults)."""
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _accepts(self) -> bool:
        context = ssl.create_default_context(cafile=str(self._authority.certificate_path))
        context.load_cert_chain(*self._authority.client(CLOUD))
        try:
            with (
                socket.create_connection((self.host, self.port), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname="localhost"),
            ):
                return True
        except OSError:
            return False

    def _said(self) -> str:
        log = self._home / "mosquitto.log"
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "it wrote nothing"
