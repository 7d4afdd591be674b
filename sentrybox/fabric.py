"""A Hyperledger Fabric network on this machine, of plain processes on 127.0.0.1: no Docker.

  sentrybox fabric up        make the network, or complete and start the one that is there; returns when it serves
  sentrybox fabric status    processes, channels, chaincode, certificates; exit status 0 only when all is well
  sentrybox fabric down      end the processes; ledgers and keys stay
  sentrybox fabric reset     end the processes and remove ledgers and keys (needs --yes)

Two organisations, campus and police, each with a peer and a chaincode process of its own, share two channels, general
and police, ordered by one orderer (--ha: three; one of them may fail). Needs the release binaries of Hyperledger
Fabric 2.5 LTS (peer, orderer, configtxgen, osnadmin), found through FABRIC_BIN and then PATH, and the chaincode that
`make setup` builds. `up` may be interrupted anywhere and run again. Clients read profiles/campus.json and
profiles/police.json below the home. docs/fabric.md tells more, also how to go from here to a production network.
"""

import argparse
from pathlib import Path

from cloud.ledger.fabric import network, state
from contract.errors import Rejected


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("up", "down", "status", "reset"))
    parser.add_argument("--home", type=Path, default=Path("var/fabric"), metavar="DIR",
                        help="where the network lives (default: %(default)s)")
    parser.add_argument("--ha", action="store_true", help="up, the first time: three orderers instead of one")
    parser.add_argument("--yes", action="store_true", help="reset: yes, remove all ledgers and keys of this network")


def run(options: argparse.Namespace) -> int:
    if options.action == "up":
        network.up(options.home, options.ha, lambda line: print(line, flush=True))
        print(f"up: clients read {options.home}/profiles/campus.json and police.json")
    elif options.action == "down":
        ended = network.down(options.home)
        print("ended " + ", ".join(ended) if ended else "nothing was running")
    elif options.action == "reset":
        if not options.yes:
            raise Rejected(f"reset removes all ledgers and keys in {options.home}", hint="say it with --yes")
        network.reset(options.home)
        print(f"removed {options.home}")
    else:
        found = network.status(options.home)
        for line in state.lines(found):
            print(line)
        return 0 if found.well else 1
    return 0
