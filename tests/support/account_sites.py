"""The three applications with accounts, alike for tests of accounts: box, cloud, police."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.testclient import TestClient

from access.accounts import Accounts

PASSWORD = "correct horse battery"
NEW = "staple of the stable"
KINDS = ("box", "cloud", "police")


class AccountSite(NamedTuple):
    """`page`: one that roles admin and `role` may look at. `live`: one that stays open by itself, of the box only."""

    app: FastAPI
    accounts: Accounts
    cookie: str
    page: str
    role: str
    live: str = ""

    def client(self, token: str = "") -> TestClient:
        """A browser of this site, or a program with a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {"Sec-Fetch-Site": "same-origin"}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False, follow_redirects=False)

    def logged_in(self, name: str, password: str = PASSWORD) -> TestClient:
        """A browser in which somebody has logged in."""
        client = self.client()
        answer = client.post("/login", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return client


@contextmanager
def account_site(kind: str, home: Path) -> Iterator[AccountSite]:
    """One of KINDS, without any account."""
    if kind == "box":
        from appliance.api.auth import COOKIE
        from tests.appliance.api.conftest import open_house
        from tests.appliance.api.furnish import picture
        with open_house(home) as house:
            house.vision.jpeg = picture()
            yield AccountSite(house.app, house.store.accounts, COOKIE, "/ui/incidents", "guard", "/ui/live")
    elif kind == "cloud":
        from cloud.admin.rules import COOKIE as CLOUD
        from tests.cloud.admin.conftest import Site
        campus = Site(home)
        yield AccountSite(campus.app, campus.accounts, CLOUD, "/ui/incidents", "guard")
        campus.ledger.close()
        campus.database.close()
    else:
        from cloud.database import meta
        from cloud.database.opening import connect
        from police.api.rules import COOKIE as POLICE
        from police.database.schema import MIGRATIONS
        from tests.police.conftest import Station
        database = connect(f"sqlite:///{home}/police.db", MIGRATIONS)
        with database.write() as session:
            meta.ensure_epoch(session)
        station = Station(database)
        yield AccountSite(station.app, station.accounts, POLICE, "/ui/entries", "police")
        database.close()
