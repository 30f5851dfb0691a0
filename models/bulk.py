"""Writing many rows with one statement: the rows travel as one JSON document.

Postgres reads it by the table's own columns, so no type stands anywhere but in the table:

    cursor.execute(f"{insert('punch', columns)} ON CONFLICT ...", {"rows": document(rows)})

A row is a mapping or a dataclass, by the names of the columns. What it does not name is NULL to
`jsonb_populate_recordset`; so an INSERT names the columns it writes, and all others keep their
defaults, also those that a later release has added. Rows are written, and so locked, in the order
of the document, unless the statement says `ORDER BY`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import orjson

from models.ids import StringId, number_of


def document(rows: Iterable[object]) -> str:
    r"""Return the rows as a JSON array.

    Moments keep their offset; bytes become `\x` and hexadecimal digits; a dict or list is the value
    of a JSON column, and `orjson.Fragment(text)` puts in JSON that is text already. None is NULL,
    in a JSON column as well. A float comes back as it went, but for -0.0, which comes back as 0.0,
    and one that is not finite: JSON has no such number, so it is NULL. A string id is its number,
    and in the value of a JSON column its text (see `numbered`).

    Raises TypeError for any other value, such as an integer beyond 64 bits.
    """
    return orjson.dumps([_columns(row) for row in rows], default=_as_text).decode()


def numbered(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns of a row with the numbers of string ids, alone or in an array of ids."""
    found = {name: value for name, value in row.items() if _has_string_id(value)}
    return {**row, **{name: _numbered(value) for name, value in found.items()}} if found else row


def _has_string_id(value: object) -> bool:
    return type(value) is StringId or (type(value) is list and StringId in set(map(type, value)))


def _numbered(value: Any) -> Any:
    if type(value) is list:
        return [number_of(item) if type(item) is StringId else item for item in value]
    return number_of(value)


def _columns(row: object) -> object:
    """Return the row as it is where it has no string ids, as orjson reads dataclasses itself."""
    if isinstance(row, Mapping):
        return numbered(row)
    names = _names(type(row))  # type: ignore[arg-type]
    values = [getattr(row, name) for name in names]
    if not any(map(_has_string_id, values)):
        return row
    return numbered(dict(zip(names, values, strict=True)))


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def records(table: str, parameter: str = "rows") -> str:
    """Return what to select FROM: the rows of the document in `parameter`, with all columns."""
    return f"jsonb_populate_recordset(NULL::{table}, %({parameter})s::jsonb)"


def insert(table: str, columns: Iterable[str]) -> str:
    """Return an INSERT of these columns of the parameter `rows`.

    ON CONFLICT and RETURNING may follow.
    """
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {records(table)}"


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} is no value of a column")
