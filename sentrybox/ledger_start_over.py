"""`sentrybox ledger start-over`: every record is written anew, because a Fabric network was replaced."""

import argparse
from contextlib import closing

from cloud.config import CloudConfig
from cloud.database.ledger.pins import start_over
from cloud.database.opening import open_existing
from contract.config import read_config
from contract.errors import Rejected


def run(options: argparse.Namespace) -> int:
    config = read_config(options.config, CloudConfig)
    if not options.yes:
        raise Rejected("every record would be written on the ledger again, and the old network no longer be known",
                       hint="if it was replaced on purpose: the same with --yes")
    with closing(open_existing(config.database_url())) as database:
        count = start_over(database)
    print(f"{count} places of records are queued; start the cloud: the next ledger it meets is the one it keeps")
    return 0
