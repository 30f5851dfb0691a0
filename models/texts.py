"""Text that comes from outside, and what of it can be kept."""

import re

# Postgres keeps no NUL, and UTF-8 has no half of a surrogate pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether Postgres, and JSON in UTF-8, can hold the text as it is."""
    return _UNSTORABLE.search(text) is None
