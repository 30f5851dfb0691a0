"""`python -m realtime` serves on PORT; `python -m realtime token` prints a token for it."""

import argparse
import asyncio
import signal
import sys
import time

import structlog
import uvloop

from models.logs import configure_logs
from models.misspelt import log_misspelt, print_misspelt
from models.settings import Settings, load_settings
from models.vocabulary import ROLES
from realtime.serving import NotListening, listening
from realtime.tokens import is_id, mint

log = structlog.get_logger()


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    settings = load_settings(tokens=True)
    configure_logs(settings.log_level)
    if given.command == "token":
        print_misspelt()
        return print_token(settings, given)
    log_misspelt()
    return uvloop.run(serve(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m realtime", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    token = commands.add_parser("token", help="print a token signed with JWT_SECRET")
    token.add_argument("--tenant", type=_id, required=True)
    token.add_argument("--sites", type=_sites, default="all", metavar="all|15,16")
    token.add_argument("--role", choices=tuple(ROLES), default="viewer")
    token.add_argument("--sub", default="developer", metavar="NAME")
    token.add_argument("--ttl", type=int, default=3600, metavar="SECONDS")
    return parser


def _id(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not is_id(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no id; ids are integers from 1 to 2^53 - 1")
    return value


def _sites(text: str) -> str | list[int]:
    return "all" if text == "all" else [_id(part) for part in text.split(",")]


def print_token(settings: Settings, given: argparse.Namespace) -> int:
    claims = {"sub": given.sub, "tenant_id": given.tenant, "sites": given.sites, "role": given.role, "exp": int(time.time()) + given.ttl}
    try:
        print(mint(settings, claims))
    except ValueError as error:
        print(f"rollcall: {error}", file=sys.stderr)
        return 2
    return 0


async def serve(settings: Settings) -> int:
    """Until SIGTERM or SIGINT. The status to exit with."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with listening(settings) as metrics:
            log.info("listening", port=settings.port, metrics=metrics)
            await stopped.wait()
            log.info("stopping")
    except NotListening as why:
        print(f"rollcall: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
