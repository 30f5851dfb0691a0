"""Punches as rows of the table `punch`, read by the product's own reader: a column that is added to
a punch is written here as well.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from dev.bench.company import Punch
from models.intake.punches.row import COLUMNS, read_punch

PunchRow = dict[str, object]

_NAMES = (*COLUMNS, "received_at")


def read_rows(punches: Iterable[Punch]) -> list[PunchRow]:
    """A row for each punch, by column. Moments are text, so that whoever copies them pays for no
    conversion.
    """
    now = datetime.now(UTC)
    return [
        {name: _as_text(value) for name, value in read_punch(punch, now).columns().items()}
        | {"received_at": now.isoformat()}
        for punch in punches
    ]


def values(row: PunchRow) -> tuple[object, ...]:
    """The values in the order of `copy_into`."""
    return tuple(row[name] for name in _NAMES)


def copy_into(table: str) -> str:
    """The COPY of such rows into `table`, which has the columns of `punch`."""
    return f"COPY {table} ({', '.join(_NAMES)}) FROM STDIN"


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
