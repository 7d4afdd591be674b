"""The ledgers: Fabric against Hyperledger's own Go client, the embedded log against bare SQLite.

The two sides of a comparison take turns on the same network or disk, in changing order; medians of the rounds are
given. Parts (a) to (e) bring up a Fabric network of their own in a temporary home and need Fabric's programs
(FABRIC_BIN, PATH).
"""

from contextlib import closing

from bench import _ledger_anchoring, _ledger_embedded, _ledger_network
from cloud.ledger.fabric import programs
from cloud.ledger.fabric_ledger import FabricLedger
from contract.errors import Rejected
from contract.ledger import LedgerChannel


def _as_it_is(_channel: LedgerChannel, genesis: str) -> str:
    """Whatever network it is: it was made for this run."""
    return genesis


def main() -> None:
    try:
        programs.require()
    except Rejected as error:
        print(f"(a)-(e) were not run: {error}")
    else:
        with _ledger_network.ground() as on:
            print(_ledger_network.cold_start(on).line(), flush=True)
            verdict, alone = _ledger_network.one_at_a_time(on)
            print(verdict.line(), flush=True)
            print(_ledger_network.pipelined(on).line(), flush=True)
            with closing(FabricLedger(on.home / "profiles" / "campus.json", on.home / "roots", _as_it_is)) as ledger:
                print(_ledger_anchoring.batches(ledger, alone).line(), flush=True)
                print(_ledger_anchoring.police(ledger).line(), flush=True)
            print(_ledger_network.memory(on).line(), flush=True)
    for verdict in _ledger_embedded.measure():
        print(verdict.line(), flush=True)


if __name__ == "__main__":
    main()
