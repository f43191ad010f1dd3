"""`python -m sandbox serve | config`: the simulated vendors from a shell."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from sandbox import inbox
from sandbox.server import VENDORS, config, environment, serve

DEFAULT_PORT = 8787


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A simulated company and its vendors' APIs.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="answer until SIGTERM or Ctrl-C")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--accounts", type=int, default=400)
    run.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    run.add_argument("--rate-limits", choices=("documented", "generous"), default="generous")
    run.add_argument("--only", choices=VENDORS, help="serve one vendor at the root, without its path prefix")
    run.add_argument("--inbox", metavar="FOLDER", help="also write the inbox files there")
    show = commands.add_parser("config", help="print a wegpunkt.toml for a sandbox on this port")
    show.add_argument("--port", type=int, default=DEFAULT_PORT)
    show.add_argument("--env", action="store_true", help="print the secrets as NAME=value lines instead")
    options = parser.parse_args(arguments)
    if options.command == "config":
        print(environment() if options.env else config(options.port))
        return 0
    sandbox = serve(options.seed, options.accounts, options.port, options.rate_limits, options.only)
    if options.inbox:
        inbox.write(sandbox.company, options.inbox)
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"sandbox: {sandbox.url} ({options.accounts} accounts, seed {options.seed})", flush=True)
    while not ended.wait(1.0):
        pass
    sandbox.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
