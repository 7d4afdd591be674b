"""Accounts, sessions and tokens of a box, a cloud or the police, on the machine itself. Nobody has to be logged in.

  sentrybox accounts --box box.toml list
  sentrybox accounts --box box.toml create NAME --role admin    the password is asked for, or read from standard input
  sentrybox accounts --cloud cloud.toml reset NAME              prints a one-time link for a new password
  sentrybox accounts --cloud cloud.toml role NAME supervisor
  sentrybox accounts --police police.toml end NAME
  sentrybox accounts --box box.toml sessions NAME
  sentrybox accounts --box box.toml end-session ID
  sentrybox accounts --box box.toml token NAME --role guard     prints a program's token, this once
  sentrybox accounts --box box.toml revoke NAME

Stop the box first, and a cloud or police on SQLite: one process has the database for itself. On PostgreSQL it may run.
"""

import argparse
import contextlib
import getpass
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from access.accounts import Accounts
from access.passwords import NO_PASSWORD
from contract.config import read_config
from contract.errors import Rejected, Unavailable
from contract.identity import ROLES, Identity, Role
from contract.moments import from_epoch

BY = "command line"


class Site(NamedTuple):
    """The accounts of one site, the roles they may have, and where its pages are."""

    accounts: Accounts
    roles: tuple[Role, ...]
    url: str


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    for name in ("box", "cloud", "police"):
        which.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"the TOML file of the {name}")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="accounts and tokens")
    for name, text in (("create", "make an account"), ("token", "make a token for a program")):
        making = actions.add_parser(name, help=text)
        making.add_argument("name")
        making.add_argument("--role", choices=ROLES, required=True)
    for name, text in (("end", "end an account and its sessions"), ("sessions", "where an account is logged in"),
                       ("reset", "end an account's password and sessions; print a link for a new password"),
                       ("revoke", "end a program's tokens")):
        actions.add_parser(name, help=text).add_argument("name")
    role = actions.add_parser("role", help="give an account another role")
    role.add_argument("name")
    role.add_argument("role", choices=ROLES)
    actions.add_parser("end-session", help="end one session").add_argument("id")


def run(options: argparse.Namespace) -> int:
    with _site(options) as site:
        _act(site, options)
    return 0


def _act(site: Site, options: argparse.Namespace) -> None:
    accounts = site.accounts
    if getattr(options, "role", None) not in (None, *site.roles):
        raise Rejected(f"there is no role {options.role} here", hint=f"one of {', '.join(site.roles)}")
    if options.action == "list":
        for account in accounts.listing():
            waits = ", waits for a new password" if account.password == NO_PASSWORD else ""
            print(f"account  {account.name}, {account.role}{waits}")
        for token in accounts.tokens():
            print(f"token    {token.name}, {token.role}")
    elif options.action == "create":
        accounts.create(options.name, _password(), options.role, BY)
        print(f"{options.name} may log in at {site.url}/login")
    elif options.action == "token":
        print(accounts.new_token(options.name, options.role, BY))
    elif options.action == "reset":
        print(f"{site.url}/reset?secret={accounts.reset(options.name, BY)}")
    elif options.action == "role":
        accounts.change_role(options.name, options.role, BY)
    elif options.action == "end":
        accounts.end(options.name, BY)
    elif options.action == "sessions":
        for one in accounts.sessions(options.name):
            print(f"{one.id}  since {from_epoch(one.created_at)}  {one.agent}")
    elif options.action == "end-session":
        accounts.end_session(options.id, Identity(BY, "admin"))
    else:
        accounts.revoke_tokens(options.name, BY)


@contextlib.contextmanager
def _site(options: argparse.Namespace) -> Iterator[Site]:
    # Each has packages of its own, so only what is asked for is imported.
    if options.box is not None:
        from appliance.config import BoxConfig
        from appliance.store.store import open_store
        from appliance.sync.keys import box_key
        box = read_config(options.box, BoxConfig)
        if not (box.home / "box.db").is_file():
            raise Unavailable(f"no box has run in {box.home} yet", hint="start it once: it prints a link")
        store = open_store(box.home, box=box.box, key=box_key(box.home))
        scheme = "https" if box.http.certificate else "http"
        with contextlib.closing(store):
            yield Site(store.accounts, ROLES, f"{scheme}://{box.http.host}:{box.http.port}")
        return
    from cloud.config import CloudConfig
    from cloud.database.access import accounts_of
    from cloud.database.opening import connect
    from cloud.database.schema import MIGRATIONS
    if options.cloud is not None:
        cloud = read_config(options.cloud, CloudConfig)
        url, address, roles, migrations = cloud.url, cloud.database_url(), ROLES, MIGRATIONS
    else:
        from police.api.rules import ROLES as POLICE_ROLES
        from police.config import PoliceConfig
        from police.database.schema import MIGRATIONS as POLICE_MIGRATIONS
        police = read_config(options.police, PoliceConfig)
        url, address, roles, migrations = police.url, police.database_url(), POLICE_ROLES, POLICE_MIGRATIONS
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file():
        raise Unavailable(f"there is no database {address.removeprefix('sqlite:///')} yet",
                          hint="start it once: it prints a link")
    with contextlib.closing(connect(address, migrations)) as database:
        yield Site(accounts_of(database), roles, url)


def _password() -> str:
    """From the terminal, twice, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The password again: ") != password:
        raise Rejected("the two passwords differ")
    return password
