"""A real Mosquitto for tests: TLS, client certificates, each box in its own topics, a free loopback port."""

import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from ipaddress import IPv4Address
from pathlib import Path
from shutil import which

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.ports import free_port

MOSQUITTO = which("mosquitto") or ("/usr/sbin/mosquitto" if Path("/usr/sbin/mosquitto").exists() else None)

# `user`: started by root, Mosquitto would change to a user who may not read the test's folder.
CONF = """\
user {user}
per_listener_settings false
persistence false
allow_anonymous false
max_packet_size 700000
listener {port} 127.0.0.1
cafile {home}/ca.pem
certfile {home}/localhost.pem
keyfile {home}/localhost.key
require_certificate true
use_identity_as_username true
acl_file {home}/acl
log_dest file {home}/mosquitto.log
log_type error
log_type warning
log_type notice
"""
ACL = """\
user cloud
topic read up/#
topic write down/#

pattern write up/%u/#
pattern read down/%u/#
"""


class Authority:
    """A certificate authority in a folder; everything it issues lies there as NAME.pem and NAME.key."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test authority {home.name}")])
        certificate = (self._builder(self._name, self._key.public_key())
                       .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                       .sign(self._key, hashes.SHA256()))
        self.certificate = home / "ca.pem"
        self.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A new key and a certificate with this common name, for 127.0.0.1 and localhost."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, private = self.home / f"{name}.pem", self.home / f"{name}.key"
        certificate.write_bytes(self._sign(name, key.public_key()))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, private

    def sign(self, request: str) -> str:
        """The PEM certificate for a PEM certificate request."""
        csr = x509.load_pem_x509_csr(request.encode("ascii"))
        name = str(csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        return self._sign(name, csr.public_key()).decode("ascii")

    def _sign(self, name: str, public_key) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        loopback = x509.IPAddress(IPv4Address("127.0.0.1"))
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        return (self._builder(subject, public_key).add_extension(names, critical=False)
                .add_extension(usage, critical=False)
                .sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _builder(self, subject: x509.Name, public_key) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public_key)
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
                .not_valid_after(now + timedelta(days=1)))


@dataclass
class Broker:
    """A running Mosquitto. `issue(name)` gives (certificate, key) paths: a box's name, or `cloud`."""

    home: Path
    port: int
    authority: Authority
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def ca(self) -> Path:
        return self.authority.certificate

    def issue(self, name: str) -> tuple[Path, Path]:
        return self.authority.issue(name)

    def start(self) -> None:
        """Start (again) on the same port and wait until TLS answers."""
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.home / "mosquitto.conf")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = self.home / "mosquitto.log"
                    raise RuntimeError("mosquitto did not start: "
                                       + (log.read_text() if log.exists() else "no log")) from None
                time.sleep(0.02)

    def stop(self, *, kill: bool = False) -> None:
        """End it; `kill` without any farewell (SIGKILL)."""
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(timeout=15)
            self.process = None

    def tls(self, name: str) -> ssl.SSLContext:
        """A client context with a fresh certificate for `name`."""
        certificate, key = self.issue(name)
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(certificate, key)
        return context


def start_broker(tmp_path: Path) -> Broker:
    """A broker in tmp_path/broker; the caller stops it. Skips the test where Mosquitto is not installed."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    home = tmp_path / "broker"
    home.mkdir()
    authority = Authority(home)
    authority.issue("localhost")
    broker = Broker(home, free_port(), authority)
    (home / "mosquitto.conf").write_text(CONF.format(user=getuser(), port=broker.port, home=home))
    (home / "acl").write_text(ACL)
    broker.start()
    return broker
