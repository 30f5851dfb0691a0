"""The keys of the channel: one is there from the start, two are valid, and a new one ripens."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from models.channel import Key, KeysUnreadable
from models.channel_keys import READ_SECONDS, RIPE_SECONDS, VALID, SigningKeys, keys_of, rotate
from models.database import make_engine, transaction


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url)
    yield engine
    engine.dispose()


def valid(engine: Engine) -> list[str]:
    """Return the ids of the valid keys, newest first."""
    with transaction(engine) as cursor:
        return list(keys_of(cursor.execute(VALID).fetchall()))


def grow_older(engine: Engine, seconds: float) -> None:
    with transaction(engine) as cursor:
        cursor.execute(
            "UPDATE channel_key SET made_at = made_at - make_interval(secs => %s)", [seconds]
        )


def rotated(engine: Engine) -> str:
    with transaction(engine) as cursor:
        return rotate(cursor).made


def test_migrating_makes_a_key_which_signs_at_once(engine: Engine) -> None:
    (first,) = valid(engine)
    key = SigningKeys(engine)()
    assert key.key_id == first
    assert len(key.secret) == 32


def test_two_keys_are_valid_and_older_ones_are_gone(engine: Engine) -> None:
    (first,) = valid(engine)
    second = rotated(engine)
    assert valid(engine) == [second, first]
    with transaction(engine) as cursor:
        third, ended = rotate(cursor)
    assert ended == [first]
    assert valid(engine) == [third, second]
    with transaction(engine) as cursor:
        assert cursor.execute("SELECT count(*) FROM channel_key").fetchall() == [(2,)]


def test_a_new_key_signs_once_every_server_has_read_it(engine: Engine) -> None:
    assert RIPE_SECONDS > 2 * READ_SECONDS
    (first,) = valid(engine)
    second = rotated(engine)
    assert SigningKeys(engine)().key_id == first
    grow_older(engine, RIPE_SECONDS)
    assert SigningKeys(engine)().key_id == second


def test_the_key_is_read_seldom_and_kept_while_postgres_is_away(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    keys = SigningKeys(engine)
    first = keys()
    second = rotated(engine)
    grow_older(engine, RIPE_SECONDS)
    assert keys() == first
    with transaction(engine) as cursor:
        cursor.execute("ALTER TABLE channel_key RENAME TO hidden")
    now += READ_SECONDS + 1
    assert keys() == first
    with transaction(engine) as cursor:
        cursor.execute("ALTER TABLE hidden RENAME TO channel_key")
    now += READ_SECONDS + 1
    assert keys().key_id == second


def test_without_a_key_that_can_be_read_nothing_is_signed(engine: Engine) -> None:
    with transaction(engine) as cursor:
        cursor.execute("DELETE FROM channel_key")
    keys = SigningKeys(engine)
    with pytest.raises(KeysUnreadable, match="rollcall channel rotate"):
        keys()
    made = rotated(engine)
    assert keys() == Key(made, keys().secret)
