from datetime import UTC, datetime, timedelta

import pytest

from cloud.ledger.fabric.identities import issue, make
from cloud.ledger.gateway.identity import Identity


@pytest.fixture(scope="session")
def organisations(tmp_path_factory):
    """The folder of the organisations of a network that does not run."""
    home = tmp_path_factory.mktemp("network")
    make(home)
    return home / "organisations"


@pytest.fixture(scope="session")
def identity(organisations) -> Identity:
    return load(organisations, "recorder")


@pytest.fixture(scope="session")
def ended(organisations) -> Identity:
    """Its certificate ended 40 days ago."""
    now = datetime.now(UTC)
    issue(organisations / "campus", "ended", not_before=now - timedelta(days=99),
          not_after=now - timedelta(days=40, minutes=1))
    return load(organisations, "ended")


@pytest.fixture(scope="session")
def early(organisations) -> Identity:
    """Its certificate begins in a day."""
    issue(organisations / "campus", "early", not_before=datetime.now(UTC) + timedelta(days=1),
          not_after=datetime.now(UTC) + timedelta(days=9))
    return load(organisations, "early")


def load(organisations, user) -> Identity:
    msp = organisations / "campus" / "users" / user / "msp"
    return Identity.load("CampusMSP", msp / "signcerts" / "cert.pem", msp / "keystore" / "key.pem")
