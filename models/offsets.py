"""Offsets: the opaque strings that viewers hand back to go on where they were.

An offset is an epoch, which names one history of a feed, and a position in it.
"""

from typing import NamedTuple


class Offset(NamedTuple):
    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


def parse_offset(text: object) -> Offset | None:
    """Return the offset that `text` spells, or None where no server of ours can have given it."""
    if not isinstance(text, str):
        return None
    epoch, dash, digits = text.partition("-")
    if not (epoch and dash and digits.isascii() and digits.isdigit() and len(digits) <= 18):
        return None
    return Offset(epoch, int(digits))
