"""The ledgers: Fabric against Hyperledger's own Go client, the embedded log against bare SQLite.

The two sides of a comparison take turns on the same network or disk, in changing order; medians of the rounds are
given. Parts (a) to (e) bring up a Fabric network of their own in a temporary home and need Fabric's programs
(FABRIC_BIN, PATH).
"""

from bench import _ledger_embedded, _ledger_network
from cloud.ledger.fabric import programs
from contract.errors import Rejected


def main() -> None:
    try:
        programs.require()
    except Rejected as error:
        print(f"(a)-(e) were not run: {error}")
    else:
        with _ledger_network.ground() as on:
            print(_ledger_network.cold_start(on).line(), flush=True)
            print(_ledger_network.one_at_a_time(on)[0].line(), flush=True)
            print(_ledger_network.pipelined(on).line(), flush=True)
            print(_ledger_network.memory(on).line(), flush=True)
    for verdict in _ledger_embedded.measure():
        print(verdict.line(), flush=True)


if __name__ == "__main__":
    main()
