"""`sentrybox ledger export`: a box's whole chain, as JSON lines."""

import argparse
import os
import sys

from appliance.config import BoxConfig
from appliance.store.export import export_chain
from appliance.sync.keys import box_key
from contract.config import read_config
from contract.errors import Unavailable
from contract.moments import now


def run(options: argparse.Namespace) -> int:
    config = read_config(options.config, BoxConfig)
    if not (config.home / "box.db").exists():
        raise Unavailable(f"there is no memory of a box in {config.home}", hint="start the box there once")
    key = box_key(config.home)
    if options.out is None:
        export_chain(config.home, config.box, key, now(), sys.stdout.buffer.write)
        sys.stdout.flush()
        return 0
    # Under its name only when it is whole.
    partial = options.out.with_name(options.out.name + ".part")
    try:
        with partial.open("wb") as file:
            count = export_chain(config.home, config.box, key, now(), file.write)
        os.replace(partial, options.out)
    except OSError as error:
        raise Unavailable(f"{options.out} cannot be written: {error.strerror}", hint="choose another place") from error
    finally:
        partial.unlink(missing_ok=True)
    print(f"{options.out}: {count} entries of box {config.box}")
    return 0
