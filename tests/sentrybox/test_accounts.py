"""`sentrybox accounts` on the machine itself, for box, cloud and police."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.accounts import Accounts
from cloud.database import meta
from sentrybox.cli import main
from tests.support.account_sites import KINDS, NEW, PASSWORD

BROKER = "\n".join(["[broker]", 'ca = "x"', 'certificate = "x"', 'key = "x"'])
FILES = {
    "box": 'box = "box-1"\n[vision]\nmodels = "x"',
    "cloud": 'url = "https://cloud.example"\n' + BROKER,
    "police": 'url = "https://police.example"\n[ledger]\nprofile = "x"\n[campus]\nurl = "https://c.example"\n'
              'token_file = "x"',
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def accounts(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Callable[..., tuple[int, str]]:
    """Run the command with these words; its status and what it said."""
    home = tmp_path / "home"
    home.mkdir()
    config = tmp_path / f"{kind}.toml"
    config.write_text(f"home = {json.dumps(str(home))}\n{FILES[kind]}\n")

    def run(*words: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = main(["accounts", f"--{kind}", str(config), *words])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@contextlib.contextmanager
def opened(kind: str, home: Path) -> Iterator[Accounts]:
    """The accounts as the process itself has them; opening makes what its first start makes."""
    if kind == "box":
        from appliance.store.store import open_store
        from appliance.sync.keys import box_key
        with contextlib.closing(open_store(home, box="box-1", key=box_key(home))) as store:
            yield store.accounts
        return
    from cloud.database.access import accounts_of
    from cloud.database.opening import connect
    from cloud.database.schema import MIGRATIONS
    from police.database.schema import MIGRATIONS as POLICE
    url = f"sqlite:///{home / 'cloud.db'}"
    with contextlib.closing(connect(url, MIGRATIONS if kind == "cloud" else POLICE)) as database:
        with database.write() as session:
            meta.ensure_epoch(session)
        yield accounts_of(database)


def start(kind: str, home: Path) -> None:
    with opened(kind, home):
        pass


def test_the_last_admin_gets_back_in(kind, accounts, tmp_path):
    status, said = accounts("list")
    assert status == 3 and "start it once" in said
    start(kind, tmp_path / "home")
    assert accounts("create", "Ada", "--role", "admin", stdin="aaaaaaaaaa\n")[0] == 1
    status, said = accounts("create", "Ada", "--role", "admin", stdin=PASSWORD + "\n")
    assert status == 0 and "/login" in said
    assert accounts("create", "ada", "--role", "admin", stdin=PASSWORD + "\n")[0] == 3
    status, said = accounts("end", "ada")
    assert status == 3 and "last admin" in said
    status, link = accounts("reset", "ADA")
    assert status == 0 and "/reset?secret=" in link
    assert "Ada, admin, waits for a new password" in accounts("list")[1]
    with opened(kind, tmp_path / "home") as found:
        assert found.use_reset(link.strip().split("secret=")[1], NEW) == ("Ada", "admin")
        assert found.by_session(found.log_in("ada", NEW)) == ("Ada", "admin")


def test_tokens_sessions_and_roles(kind, accounts, tmp_path):
    start(kind, tmp_path / "home")
    accounts("create", "Ada", "--role", "admin", stdin=PASSWORD + "\n")
    accounts("create", "Bob", "--role", "police", stdin=PASSWORD + "\n")
    assert accounts("role", "bob", "admin")[0] == 0
    status, token = accounts("token", "bridge", "--role", "police")
    assert status == 0 and token.startswith("sbx_")
    said = accounts("list")[1]
    assert "Bob, admin" in said and "bridge, police" in said and token.strip() not in said
    assert accounts("sessions", "bob") == (0, "")
    assert accounts("end-session", "nothing")[0] == 1
    assert accounts("revoke", "bridge")[0] == 0 and accounts("revoke", "bridge")[0] == 1
    assert accounts("end", "bob")[0] == 0 and "Bob" not in accounts("list")[1]
    if kind == "police":
        status, said = accounts("token", "x", "--role", "guard")
        assert status == 1 and "no role guard here" in said
