"""Offsets: the opaque string a viewer hands back to go on where it was. An epoch, which names one
history of a feed, and a position.
"""

from typing import NamedTuple


class Offset(NamedTuple):
    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


def parse_offset(text: object) -> Offset | None:
    """None for whatever no server of ours can have given out."""
    if not isinstance(text, str):
        return None
    epoch, dash, digits = text.partition("-")
    if not (epoch and dash and digits.isascii() and digits.isdigit() and len(digits) <= 18):
        return None
    return Offset(epoch, int(digits))
