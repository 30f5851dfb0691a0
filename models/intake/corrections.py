"""Which content of a punch stands. A function of the contents and, only where none has a sent_at, of their order of arrival."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Content(NamedTuple):
    """One content a punch has had, as far as the decision goes."""

    content_hash: bytes
    sent_at: datetime | None


def standing(current: Content, seen: dict[bytes, datetime | None], arrived: Iterable[Content]) -> Content:
    """The content that stands once `arrived` have come, in this order. `seen` gains them, each with its latest `sent_at`.

    The later `sent_at` wins, of equal ones the greater hash, so that the order of arrival plays no part. A content
    without one is older than any with; between such the last new one wins.
    """
    for content in arrived:
        is_new = content.content_hash not in seen
        latest = Content(content.content_hash, _later(seen.get(content.content_hash), content.sent_at))
        seen[content.content_hash] = latest.sent_at
        if latest.content_hash == current.content_hash or _beats(latest, current, is_new):
            current = latest
    return current


def _beats(content: Content, current: Content, is_new: bool) -> bool:
    if content.sent_at is None:
        return is_new and current.sent_at is None
    return current.sent_at is None or (content.sent_at, content.content_hash) > (current.sent_at, current.content_hash)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
