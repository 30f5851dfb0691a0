"""Ids: the largest that callers may give, and those that are made in Python.

The latter are UUIDs of version 7, ordered as the moments they are made for. (`uuidv7()` needs
PostgreSQL 18.)
"""

import secrets
from datetime import datetime
from uuid import UUID

# The largest integer that a JavaScript number holds exactly.
LARGEST_ID = 2**53 - 1

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_RANDOM_BITS = ~((15 << 76) | (3 << 62))


def time_ordered_id(moment: datetime) -> UUID:
    """Return a new id: its first 48 bits are the moment in milliseconds, 74 others are random."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(
        int=(milliseconds << 80) | (secrets.randbits(80) & _RANDOM_BITS) | _VERSION_AND_VARIANT
    )
