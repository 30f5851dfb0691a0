"""Deciding which content of a punch stands.

Where one has a `sent_at`, the order of their arrival plays no part.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple


class Content(NamedTuple):
    """One content of a punch, as far as the decision needs it. `claimed_at` is as in Row."""

    content_hash: bytes
    sent_at: datetime | None
    claimed_at: datetime | None = None


def standing(current: Content, seen: dict[bytes, Content], arrived: Iterable[Content]) -> Content:
    """Return the content that stands once `arrived` have come, in this order.

    `seen` gains them, each with its latest `sent_at`. The later `sent_at` wins, and of equal ones
    the greater hash, so that the order of arrival plays no part. A content without one is older
    than any with; of several without, the last new one wins.
    """
    for content in arrived:
        before = seen.get(content.content_hash)
        latest = seen[content.content_hash] = later(before, content) if before else content
        if latest.content_hash == current.content_hash or _beats(latest, current, before is None):
            current = latest
    return current


def later(before: Content, again: Content) -> Content:
    """Return what a content that comes again counts as: it has the later `sent_at` of the two.

    A clock that is ahead counts by the receipt, which is later with each redelivery. So what it
    sends counts again only if the time that it claims has moved on: else a redelivery could undo a
    correction.
    """
    if before.claimed_at and again.claimed_at and again.claimed_at <= before.claimed_at:
        return before
    return Content(
        before.content_hash,
        _latest(before.sent_at, again.sent_at),
        _latest(before.claimed_at, again.claimed_at),
    )


def _beats(content: Content, current: Content, is_new: bool) -> bool:
    if content.sent_at is None:
        return is_new and current.sent_at is None
    return current.sent_at is None or _rank(content) > _rank(current)


def _rank(content: Content) -> tuple[Any, ...]:
    return content.sent_at, content.claimed_at or content.sent_at, content.content_hash


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
