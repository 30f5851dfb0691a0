"""Reading moments: ISO 8601, and what RFC 3339 allows beyond Python, which is `z` and second 60."""

import re
from datetime import datetime, timedelta

_SECOND_60 = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9]{2}:[0-9]{2}):60(?![0-9])")


def parse_instant(text: str) -> datetime:
    """Return the moment, aware where the text has an offset.

    A leap second counts as the second after it, as to the clocks of computers. Raises ValueError
    where there is no such moment.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if not text.endswith("z") and not _SECOND_60.match(text):
            raise
    spelled = text[:-1] + "Z" if text.endswith("z") else text
    before, leaps = _SECOND_60.subn(r"\1:59", spelled)
    try:
        return datetime.fromisoformat(before) + timedelta(seconds=leaps)
    except OverflowError as error:
        raise ValueError("year is out of range") from error
