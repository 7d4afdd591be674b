"""The demo's ports: those of the file, which give way to free ones when they are taken."""

import contextlib
import socket
from pathlib import Path

from pydantic import Field

from contract.config import Section, read_config


class Ports(Section):
    """On the loopback interface. A file ports.toml in the demo's home changes them."""

    box: int = Field(default=8080, ge=1, le=65535)
    cloud: int = Field(default=8090, ge=1, le=65535)
    police: int = Field(default=8092, ge=1, le=65535)
    standin: int = Field(default=8095, ge=1, le=65535)
    providers: int = Field(default=8443, ge=1, le=65535)
    broker: int = Field(default=8883, ge=1, le=65535)
    cameras: int = Field(default=8554, ge=1, le=65535)


def bind(port: int) -> socket.socket:
    """Return a socket on the port, or on another one when somebody has it."""
    for candidate in (port, 0):
        probe = socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", candidate))
        except OSError:
            probe.close()
            continue
        return probe
    raise OSError("no free port on 127.0.0.1")


def choose(home: Path) -> Ports:
    """Return the ports to use now. Raises Rejected for a wrong ports.toml."""
    path = home / "ports.toml"
    wanted = read_config(path, Ports) if path.exists() else Ports()
    with contextlib.ExitStack() as held:
        # All are held until the last is chosen, or two could be given the same one.
        probes = {name: held.enter_context(bind(port)) for name, port in wanted.model_dump().items()}
        return Ports(**{name: probe.getsockname()[1] for name, probe in probes.items()})
