"""The stand-in for alert providers: python -m demo.standin --home DIR. Prints `ready URL FILE` once it serves."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from demo.standin.server import serve
from demo.standin.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m demo.standin",
        description=__doc__,
        epilog="A port of 0 is the one used before in this folder. A port that is taken gives way to a free one.",
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for its CA, credentials and standin.json")
    parser.add_argument("--port", type=int, default=0, help="port of the providers' API (HTTPS)")
    parser.add_argument("--page-port", type=int, default=0, help="port of the page that shows what arrived")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="standin: %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    asyncio.run(_run(arguments.home, arguments.page_port, arguments.port))


async def _run(home: Path, page_port: int, https_port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def ready(settings: Settings, path: Path) -> None:
        print(f"ready {settings.page_url} {path}", flush=True)

    await serve(home, page_port, https_port, stop, ready)


if __name__ == "__main__":
    main()
