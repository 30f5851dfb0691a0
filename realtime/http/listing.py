"""Lists: filters out of the query, pages by key with an opaque cursor, as JSON or CSV."""

import base64
import binascii
import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from aiohttp import web

from models.schemas.instants import parse_instant
from realtime.errors import ClientError
from realtime.tokens import is_id

MAX_LIMIT = 500
_PAGING = {"limit", "cursor"}
# What a spreadsheet would run instead of show.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Cursor(NamedTuple):
    """The key of the last row of a page: lists are ordered by a moment and an id, newest first."""

    moment: datetime
    row_id: UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self.moment.astimezone(UTC).isoformat(), str(self.row_id)])).decode().rstrip("=")


def integer(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else 0
    if not is_id(value):
        raise ValueError("is no id: an integer from 1 to 2^53 - 1")
    return value


def instant(text: str) -> datetime:
    try:
        moment = parse_instant(text.replace(" ", "+"))  # a plus sign that was not escaped
    except ValueError:
        raise ValueError("is no time; write ISO 8601 such as 2026-11-23T08:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("has no offset from UTC; add it, such as Z")
    return moment


def plain_text(text: str) -> str:
    if "\0" in text or len(text) > 200:
        raise ValueError("is too long, or holds what no id does")
    return text


def identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("is no UUID") from None


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return read


def read_filters(request: web.Request, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, list[Any]]:
    """Every value given for each filter; given several times, or with commas, they are alternatives. Raises ClientError `invalid`."""
    unknown = sorted(set(request.query) - set(readers) - _PAGING)
    if unknown:
        raise ClientError("invalid", f"There is no filter {unknown[0][:40]!r}; there are {', '.join(sorted(readers))}.")
    found: dict[str, list[Any]] = {}
    for name, read in readers.items():
        texts = [part for value in request.query.getall(name, []) for part in value.split(",") if part]
        try:
            values = [read(text) for text in texts]
        except ValueError as error:
            raise ClientError("invalid", f"{name} {error}.") from None
        if values:
            found[name] = values
    return found


def read_limit(request: web.Request, default: int = 100) -> int:
    text = request.query.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise ClientError("invalid", f"limit is an integer from 1 to {MAX_LIMIT}.")
    return int(text)


def read_cursor(request: web.Request) -> Cursor | None:
    text = request.query.get("cursor")
    if not text:
        return None
    try:
        moment, row_id = orjson.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        return Cursor(instant(moment), UUID(row_id))
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise ClientError("invalid", "The cursor is none that was given out here.") from None


def list_response(request: web.Request, items: list[dict[str, Any]], columns: Sequence[str], following: Cursor | None) -> web.Response:
    """`{items, next}`, or the same as CSV; either way the next page's address stands in the Link header."""
    if "text/csv" in request.headers.get("Accept", ""):
        response = web.Response(text=as_csv(items, columns), content_type="text/csv", charset="utf-8")
    else:
        body = orjson.dumps({"items": items, "next": str(following) if following else None})
        response = web.Response(body=body, content_type="application/json", charset="utf-8")
    if following:
        response.headers["Link"] = f'<{request.rel_url.update_query(cursor=str(following))}>; rel="next"'
    return response


def as_csv(items: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """RFC 4180. Objects stand as JSON; text that a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(item.get(column)) for column in columns] for item in items)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
