"""python -m worker: what whoever runs the installation asks by hand. The workers themselves are started by `celery -A worker worker`."""

import argparse
import sys
from collections.abc import Sequence
from uuid import UUID

from models.database import make_engine
from models.logs import configure_logs
from models.misspelt import print_misspelt
from models.settings import load_settings
from worker.commands.backtest import backtest, first_moment, last_moment
from worker.commands.explain import explain
from worker.commands.rejected import list_rejected, resubmit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name; the status to exit with."""
    given = _parser().parse_args(arguments)
    engine = make_engine(load_settings().database_url)
    print_misspelt()
    try:
        return given.run(engine, given)
    finally:
        engine.dispose()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("explain", help="print what each detector saw in a punch or shift, what it decided, and why")
    command.add_argument("subject", metavar="PUNCH_ID", help="a punch_id; with --shift, a shift_id")
    command.add_argument("--tenant", type=int, required=True, help="the tenant_id")
    command.add_argument("--shift", action="store_true", help="explain a shift instead of a punch")
    command.set_defaults(run=explain)
    command = commands.add_parser("backtest", help="judge history again under another policy, without storing or sending anything")
    command.add_argument("--tenant", type=int, required=True, help="the tenant_id")
    command.add_argument("--policy", required=True, metavar="FILE", help='JSON: policy keys, or {"tenant": {...}, "sites": {"15": {...}}}')
    command.add_argument("--from", dest="since", type=first_moment, required=True, help="2026-03-01 (UTC), or a moment with its offset")
    command.add_argument("--to", dest="until", type=last_moment, help="likewise, included; now where it is left out")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=backtest)
    command = commands.add_parser("rejected", help="list what could not be judged and was not resubmitted, one JSON object a line")
    command.add_argument("--tenant", type=int, default=0, help="the tenant_id; left out, what named no readable tenant")
    command.add_argument("--limit", type=int, default=100, help="at most so many, newest first (100)")
    command.set_defaults(run=list_rejected)
    command = commands.add_parser("resubmit", help="submit a rejected submission again, as it was or mended")
    command.add_argument("rejected_id", metavar="REJECTED_ID", type=UUID)
    command.add_argument("--tenant", type=int, default=0, help="the tenant_id it is listed under; left out, none")
    command.add_argument("--file", metavar="FILE", help="JSON: what to submit in its place")
    command.set_defaults(run=resubmit)
    return parser


if __name__ == "__main__":
    configure_logs()  # to stderr: stdout is for what was asked
    sys.exit(main())
