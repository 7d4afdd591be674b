"""A PostgreSQL cluster of a test's own: initdb in a temporary directory, no TCP, ended afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def programs() -> Path | None:
    """Where initdb and pg_ctl are: the newest of Debian's versions, or PATH; None when there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of an empty database, postgresql://..., reached through a socket in the cluster's directory."""
    home = Path(tempfile.mkdtemp(prefix="sentrybox-pg-"))
    # PostgreSQL refuses to run as root, so root lends the directory to another user.
    user = pwd.getpwnam("postgres" if _exists("postgres") else "nobody") if os.geteuid() == 0 else None
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    data = home / "data"
    _run(
        user,
        "initdb",
        "-D",
        str(data),
        "-U",
        "sentrybox",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
        "--locale=C",
    )
    options = f"-k {home} -c listen_addresses='' -c shared_buffers=16MB -c max_connections=60"
    _run(user, "pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(home / "log"), "start")
    try:
        yield f"postgresql://sentrybox@/postgres?host={home}"
    finally:
        _run(user, "pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(home)


def _run(user: pwd.struct_passwd | None, program: str, *arguments: str) -> None:
    where = programs()
    assert where is not None
    lent = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
    done = subprocess.run(
        [str(where / program), *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **lent,
    )
    assert done.returncode == 0, f"{program}: {done.stdout}"


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def new_database(url: str) -> Iterator[str]:
    """The URL of a database of a test's own in the cluster; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield url.replace("@/postgres", f"@/{name}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
