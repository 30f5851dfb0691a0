"""Ids made in Python: UUIDs of version 7, in the order of the moments they were made for.
(`uuidv7()` needs PostgreSQL 18.)
"""

import secrets
from datetime import datetime
from uuid import UUID

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_RANDOM_BITS = ~((15 << 76) | (3 << 62))


def time_ordered_id(moment: datetime) -> UUID:
    """A new id every time, 74 bits of it random, the first 48 the moment in milliseconds."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(
        int=(milliseconds << 80) | (secrets.randbits(80) & _RANDOM_BITS) | _VERSION_AND_VARIANT
    )
