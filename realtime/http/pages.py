"""Writing a page of a list: as JSON, or as CSV for whoever accepts that."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import orjson
from aiohttp import web
from typing_extensions import TypedDict

from realtime.http.paging import Cursor

Item = TypeVar("Item", bound=Mapping[str, Any])

# A spreadsheet may run text that begins with one of these, in any width: some drop the blanks,
# line ends and invisible characters before it, and some split the text there.
_FORMULA = ("=", "+", "-", "@")
_SPLITTING = ("\t", "\r", "\n")


class Page(TypedDict, Generic[Item]):
    items: list[Item]
    next: str | None


def page_response(
    request: web.Request,
    items: list[Item],
    columns: Sequence[str],
    following: Cursor | None = None,
) -> web.Response:
    """Return the page in the form asked for, with the next one's address in the Link header."""
    if "text/csv" in request.headers.get("Accept", ""):
        text = as_csv(items, columns)
        response = web.Response(text=text, content_type="text/csv", charset="utf-8")
    else:
        page: Page[Item] = {"items": items, "next": str(following) if following else None}
        body = orjson.dumps(page)
        response = web.Response(body=body, content_type="application/json", charset="utf-8")
    if following:
        address = request.rel_url.update_query(cursor=str(following))
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response


def as_csv(items: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return CSV (RFC 4180): objects as JSON, an apostrophe before what looks like a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(item.get(column)) for column in columns] for item in items)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and _may_run(value):
        return f"'{value}"
    return value


def _may_run(text: str) -> bool:
    first = next((letter for letter in text if not _is_invisible(letter)), "")
    return text.startswith(_SPLITTING) or unicodedata.normalize("NFKC", first).startswith(_FORMULA)


def _is_invisible(letter: str) -> bool:
    """Return whether it is a blank, or a control or format character, such as a byte order mark."""
    return letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf")
