"""Offsets: the opaque strings that viewers hand back to go on where they were.

An offset is an epoch, which names one history of a feed, a position in it, and the mark of the
message there. Where a backup was restored, epoch and position may fit by accident; the mark does
not. One of the first edition has no mark, nor has one at position 0.
"""

import re
from typing import NamedTuple

_SPELLING = re.compile(r"([^-]+)-([0-9]{1,18})(?:-([0-9a-f]{12}))?", re.ASCII)


class Offset(NamedTuple):
    epoch: str
    position: int
    mark: str | None = None

    def __str__(self) -> str:
        place = f"{self.epoch}-{self.position}"
        return place if self.mark is None else f"{place}-{self.mark}"


def parse_offset(text: object) -> Offset | None:
    """Return the offset that `text` spells, or None where no server of ours can have given it."""
    if not isinstance(text, str):
        return None
    spelt = _SPELLING.fullmatch(text)
    if spelt is None:
        return None
    epoch, digits, mark = spelt.groups()
    return Offset(epoch, int(digits), mark)
