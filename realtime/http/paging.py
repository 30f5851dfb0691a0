"""Pages of a list: how long one is, and the opaque cursor that leads to the next."""

import base64
import binascii
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from aiohttp import web

from realtime.errors import ClientError
from realtime.http.kinds import instant

MAX_LIMIT = 500
DEFAULT_LIMIT = 100
PARAMETERS = frozenset({"limit", "cursor"})


class Cursor(NamedTuple):
    """The key of the last row of a page: lists are ordered by a moment and an id, newest first."""

    moment: datetime
    row_id: UUID

    def __str__(self) -> str:
        key = orjson.dumps([self.moment.astimezone(UTC).isoformat(), str(self.row_id)])
        return base64.urlsafe_b64encode(key).decode().rstrip("=")


def read_limit(request: web.Request) -> int:
    """Return how many rows a page is to have. Raises ClientError `invalid`."""
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    if not (is_number and 1 <= int(text) <= MAX_LIMIT):
        raise ClientError("invalid", f"limit must be an integer from 1 to {MAX_LIMIT}.")
    return int(text)


def read_cursor(request: web.Request) -> Cursor | None:
    """Return where the page begins, None for the first. Raises ClientError `invalid`."""
    text = request.query.get("cursor")
    if not text:
        return None
    try:
        key = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        moment, row_id = orjson.loads(key)
        return Cursor(instant(moment), UUID(row_id))
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise ClientError("invalid", "The cursor is none that was given out here.") from None
