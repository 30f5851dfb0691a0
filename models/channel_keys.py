"""The keys of the channel: in Postgres, two valid at once, and which of them signs.

A new key signs once it is RIPE_SECONDS old: by then every server has read it, as each does every
READ_SECONDS. So nothing is dropped when keys are rotated.
"""

import secrets
import time
from typing import Any, NamedTuple

from psycopg import Cursor
from psycopg import Error as DatabaseError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.channel import KEY_ID_DIGITS, Key, KeysUnreadable
from models.database import autocommitted

READ_SECONDS = 20.0
RIPE_SECONDS = 60
_SECRET_BYTES = 32

# The valid keys, newest first.
VALID = f"""
SELECT key_id, secret, made_at < clock_timestamp() - interval '{RIPE_SECONDS} seconds' AS ripe
FROM channel_key ORDER BY made_at DESC, key_id LIMIT 2
"""
_ADD = "INSERT INTO channel_key (key_id, secret, made_at) VALUES (%s, %s, clock_timestamp())"
_FORGET = f"""
DELETE FROM channel_key WHERE key_id NOT IN (SELECT key_id FROM ({VALID}) AS valid)
RETURNING key_id
"""
# Two that rotate at once take turns.
_LOCK = "LOCK TABLE channel_key IN SHARE ROW EXCLUSIVE MODE"


class Rotated(NamedTuple):
    """The id of the key that was made, and of those that are no longer valid."""

    made: str
    ended: list[str]


def rotate(cursor: Cursor) -> Rotated:
    """Make a key. The newest before it stays valid, and those before that are forgotten."""
    key_id = secrets.token_hex(KEY_ID_DIGITS // 2)
    cursor.execute(_LOCK)
    cursor.execute(_ADD, (key_id, secrets.token_bytes(_SECRET_BYTES)))
    return Rotated(key_id, [ended for (ended,) in cursor.execute(_FORGET)])


def keys_of(rows: Any) -> dict[str, Key]:
    """Return the keys in rows of VALID, by their ids."""
    return {key_id: Key(key_id, bytes(secret)) for key_id, secret, _ in rows}


class SigningKeys:
    """Says which key a process signs with. It is read every READ_SECONDS at most."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._key: Key | None = None
        self._read_at = 0.0

    def __call__(self) -> Key:
        """Return the newest key that every server has read by now.

        While Postgres is away it is the one that was read last. Raises KeysUnreadable.
        """
        if self._key is None or time.monotonic() - self._read_at > READ_SECONDS:
            self._read_at = time.monotonic()
            try:
                self._key = self._read()
            except (SQLAlchemyError, DatabaseError, OSError) as error:
                if self._key is None:
                    raise KeysUnreadable(type(error).__name__) from error
        return self._key

    def _read(self) -> Key:
        with autocommitted(self._engine) as cursor:
            rows = cursor.execute(VALID).fetchall()
        if not rows:
            raise KeysUnreadable("there is no key of the channel: run rollcall channel rotate")
        keys = list(keys_of(rows).values())
        return next((key for key, row in zip(keys, rows, strict=True) if row[2]), keys[-1])
