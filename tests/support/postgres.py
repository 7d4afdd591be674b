"""One PostgreSQL for a whole run of tests, and in it a database of each test's own.

It is made by whoever asks first, serves every worker of the run through a socket in its folder, and ends with the run.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support import whole_run


def programs() -> Path | None:
    """Where initdb and pg_ctl are: the newest of Debian's versions, or PATH; None when there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


@contextmanager
def new_database() -> Iterator[str]:
    """The URL of an empty database, postgresql://...; dropped afterwards. Skips where there is no PostgreSQL."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    home = _running()
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(_url(home, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield _url(home, name)
    with psycopg.connect(_url(home, "postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def end(home: Path) -> None:
    """End the cluster in `home`, where there is one."""
    if (home / "data" / "postmaster.pid").exists():
        _run("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")


def _running() -> Path:
    """The folder of the run's cluster, which is started if it does not run yet."""
    home = whole_run.folder() / "postgres"
    with (whole_run.folder() / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _start(home)
    return home


def _start(home: Path) -> None:
    home.mkdir()
    if (user := _user()) is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    data = home / "data"
    _run("initdb", "-D", str(data), "-U", "sentrybox", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
    # Nothing of it has to outlive the run, so it need not wait for the disk.
    options = f"-k {home} -c listen_addresses='' -c shared_buffers=32MB -c max_connections=300 -c fsync=off"
    _run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(home / "log"), "start")


def _url(home: Path, name: str) -> str:
    return f"postgresql://sentrybox@/{name}?host={home}"


def _user() -> pwd.struct_passwd | None:
    """Whom root lends the folder and starts PostgreSQL as, which refuses to run as root; None for everybody else."""
    return pwd.getpwnam("postgres" if _exists("postgres") else "nobody") if os.geteuid() == 0 else None


def _run(program: str, *arguments: str) -> None:
    where, user = programs(), _user()
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
