"""Ports for tests: no two of them, in whichever worker or run, are given the same one."""

import random
import socket

# Below the ports that the kernel gives by itself (32768 and up) and above those of well-known servers.
RANGE = range(14000, 20000)
_claims: list[socket.socket] = []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on and that no other test gets while this process runs.

    The claim is a name in Linux's abstract socket namespace: only one process holds it, and it ends with the process.
    """
    for port in random.sample(RANGE, len(RANGE)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sentrybox-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise RuntimeError(f"no port between {RANGE.start} and {RANGE.stop} is free on 127.0.0.1")
