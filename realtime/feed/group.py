"""Viewers that hear the same: a message is filtered once for all of them."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from realtime.feed.filters import Hearing

Member = TypeVar("Member")


class Group(Generic[Member]):
    """Members with the same sites and the same filter, and the rooms that they are in."""

    __slots__ = ("hearing", "members", "rooms")

    def __init__(self, hearing: Hearing, rooms: Sequence[str]) -> None:
        self.hearing = hearing
        self.rooms = rooms
        self.members: set[Member] = set()
