"""Whoever publishes on the channel without its key is believed nothing, and stops nothing."""

import json
import pickle
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from models.channel import CLOCK_SECONDS, REASONS, Key, sign
from models.channel_keys import rotate
from models.database import transaction
from models.emitter import FeedManager
from models.settings import Settings
from realtime import metrics
from realtime.postgres import Postgres
from tests.realtime.cast import (
    ACME,
    DEADLINE,
    GLOBEX,
    NAMESPACE,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    anomaly_said,
    eventually,
)

FORGED = '{"type":"anomaly_detected","site_id":15,"forged":true}'


class Mallory:
    """Publishes whatever it likes, and holds no key."""

    def __init__(self, settings: Settings) -> None:
        self._redis = redis.Redis.from_url(settings.redis_url)
        self.channel = settings.redis_channel

    def publish(self, document: bytes | dict[str, Any], tenant_id: int | None = None) -> int:
        """Publish on a tenant's channel, or on that of socketio; return how many heard it."""
        channel = self.channel if tenant_id is None else f"{self.channel}:{tenant_id}"
        data = document if isinstance(document, bytes) else json.dumps(document)
        heard = self._redis.publish(channel, data)
        assert isinstance(heard, int)
        return heard

    def close(self) -> None:
        self._redis.close()


@pytest.fixture
def mallory(settings: Settings) -> Iterator[Mallory]:
    mallory = Mallory(settings)
    yield mallory
    mallory.close()


def dropped() -> dict[str, float]:
    return {reason: metrics.dropped_publications.labels(reason)._value.get() for reason in REASONS}


def since(before: dict[str, float]) -> dict[str, float]:
    """Return how many documents were dropped since, by reason."""
    return {
        reason: count - before[reason]
        for reason, count in dropped().items()
        if count != before[reason]
    }


def said(tenant_id: int, base: int, **changes: Any) -> dict[str, Any]:
    """Return the fields of a publication that says something forged after `base`."""
    message = ["anomaly_detected", 15, "WRONG_PERSON", "HIGH", None, FORGED]
    return {
        "method": "say",
        "tenant_id": tenant_id,
        "epoch": "first",
        "base": base,
        "messages": [message],
        "marks": ["0" * 12],
        **changes,
    }


async def of_both(server: RunningServer, connect: Connect) -> tuple[Watcher, Watcher]:
    alice = await connect(server)
    bob = await connect(server, claims={"tenant_id": GLOBEX, "sub": "bob"})
    for watcher in (alice, bob):
        await watcher.until("snapshot")
    return alice, bob


COMMANDS: list[dict[str, Any]] = [
    {"method": "emit", "event": "anomaly_detected", "data": [{"forged": True}], "room": None},
    {"method": "emit", "event": "resync", "data": [{"forged": True}], "room": "noc_tenant_1"},
    {
        "method": "emit",
        "event": "x",
        "data": [1],
        "room": "{sid}",
        "callback": ["{sid}", "/noc", 1],
    },
    {"method": "disconnect", "sid": "{sid}"},
    {"method": "enter_room", "sid": "{sid}", "room": "elsewhere"},
    {"method": "leave_room", "sid": "{sid}", "room": None},
    {"method": "close_room", "room": None},
    {"method": "callback", "host_id": "{host}", "sid": "{sid}", "id": 1, "args": []},
]


async def test_a_command_of_socketio_is_acted_on_by_nobody_whoever_publishes_it(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory
) -> None:
    alice, bob = await of_both(server, connect)
    manager, before = server.noc.server.manager, dropped()
    for command in COMMANDS:
        for sid in server.noc.followers:
            text = json.dumps({"namespace": NAMESPACE, "host_id": "mallory"} | command)
            document = text.replace("{sid}", sid).replace("{host}", manager.host_id).encode()
            assert mallory.publish(document) == 1
            mallory.publish(document, ACME)
    many = 2 * len(COMMANDS)
    await eventually(lambda: since(before) == {"foreign": many, "unsigned": many})
    feed.say(ACME, anomaly_said())
    feed.say(GLOBEX, anomaly_said())
    for watcher in (alice, bob):
        await watcher.until_position(1)
        assert [name for name, _, _ in watcher.events] == ["snapshot", "anomaly_detected"]
        assert watcher.client.connected
    rooms = manager.rooms[NAMESPACE]
    assert list(rooms) == [None]
    assert set(rooms[None]) == set(server.noc.followers)
    assert len(server.viewers()) == 2


async def test_a_viewer_leaves_nothing_behind_whatever_was_published(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory
) -> None:
    alice, bob = await of_both(server, connect)
    mallory.publish({"method": "close_room", "room": None, "namespace": NAMESPACE})
    await alice.close()
    await bob.close()
    await eventually(lambda: not server.noc.followers, "viewers that are gone stay")
    assert not server.noc.server.manager.rooms
    await eventually(lambda: mallory.publish(b"x", ACME) == 0, "its channel is still joined")


async def test_what_is_forged_is_not_shown_and_the_true_message_of_its_position_is(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory, settings: Settings
) -> None:
    alice, bob = await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    before = dropped()
    signed = sign(good, said(ACME, 0))
    unknown, wrong = Key(secrets.token_hex(4), b"x" * 32), Key(good.key_id, b"x" * 32)
    forgeries = {
        "unsigned": [
            b"",
            b"{}",
            b"null",
            b"\xff\xfe\x00",
            pickle.dumps(said(ACME, 0)),
            b"\x83\xa6method\xa3say",  # msgpack
            json.dumps(said(ACME, 0)).encode(),
            json.dumps(said(ACME, 0, key=good.key_id, mac="0" * 64)).encode(),
            b"x" * 1_000_000,
        ],
        "forged": [
            sign(wrong, said(ACME, 0)),
            signed[:-1],
            signed.replace(b'"tenant_id":1', b'"tenant_id":2'),
            signed.replace(b'"base":0', b'"base":1'),
            signed.replace(b'"epoch":"first"', b'"epoch":"other"'),
            signed[:-1] + b',"messages":[]}',
        ],
        "unknown_key": [sign(unknown, said(ACME, 0))],
        "too_large": [b"x" * (5 * 1024 * 1024)],
    }
    for forged in forgeries.values():
        for document in forged:
            assert mallory.publish(document, ACME) == 1
    counts = {reason: len(forged) for reason, forged in forgeries.items()}
    await eventually(lambda: since(before) == counts, f"not dropped: {since(before)}")
    feed.say(ACME, anomaly_said(number=1), anomaly_said(number=2))
    await alice.until_position(2)
    assert [payload.get("number") for payload in alice.heard("anomaly_detected")] == [1, 2]
    assert [name for name, _, _ in bob.events] == ["snapshot"]


async def test_what_was_recorded_is_not_believed_again_a_minute_later(
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    mallory: Mallory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, _ = await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    before, now = dropped(), time.time()
    for then in (now - CLOCK_SECONDS - 1, now + CLOCK_SECONDS + DEADLINE):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda then=then: then)
            document = sign(good, said(ACME, 0))
        mallory.publish(document, ACME)
    await eventually(lambda: since(before) == {"old": 2})
    feed.say(ACME, anomaly_said(number=1))
    await alice.until_position(1)
    assert alice.heard("anomaly_detected")[0]["number"] == 1


async def test_a_publication_played_again_is_a_repeat(
    server: RunningServer, feed: Feed, connect: Connect, settings: Settings, mallory: Mallory
) -> None:
    alice, bob = await of_both(server, connect)
    with redis.Redis.from_url(settings.redis_url) as client, client.pubsub() as listening:
        listening.subscribe(f"{settings.redis_channel}:{ACME}")
        listening.get_message(timeout=5)
        feed.say(ACME, anomaly_said())
        published = listening.get_message(timeout=5)
    assert published is not None
    await alice.until_position(1)
    for tenant_id in (ACME, GLOBEX, None):
        mallory.publish(published["data"], tenant_id)
    feed.say(ACME, anomaly_said())
    feed.say(GLOBEX, anomaly_said())
    await alice.until_position(2)
    await bob.until_position(1)
    assert (alice.positions(), bob.positions()) == ([1, 2], [1])


async def test_a_flood_of_forgeries_costs_no_look_at_the_feed(
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    mallory: Mallory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each second's comparison and one look at the keys are all that Postgres is asked."""
    alice, _ = await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    wrong, unknown = Key(good.key_id, b"x" * 32), Key("ffffffff", b"x" * 32)
    documents = [
        sign(wrong, said(ACME, 7)),
        sign(unknown, said(ACME, 7)),
        json.dumps(said(ACME, 7, epoch="other")).encode(),
    ]
    asked: list[str] = []
    fetch = Postgres.fetch

    async def counting(self: Postgres, statement: Any, *rest: Any) -> Any:
        asked.append(str(statement))
        return await fetch(self, statement, *rest)

    monkeypatch.setattr(Postgres, "fetch", counting)
    before, began = dropped(), time.monotonic()
    for _ in range(1_000):
        for document in documents:
            mallory.publish(document, ACME)
    many = {"forged": 1_000, "unknown_key": 1_000, "unsigned": 1_000}
    await eventually(lambda: since(before) == many)
    seconds = time.monotonic() - began
    assert len([sql for sql in asked if "channel_key" in sql]) <= seconds + 2
    assert len([sql for sql in asked if "channel_key" not in sql]) <= seconds + 2
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)


async def test_keys_are_rotated_under_load_and_nothing_is_dropped(
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that has the old key and one that has the new one are both believed."""
    alice, _ = await of_both(server, connect)
    before = dropped()
    with transaction(feed.engine) as cursor:
        rotate(cursor)
    keys = keys_of_postgres(feed)
    assert len(keys) == 2
    noc_publications = server.noc._feeds._publications
    await noc_publications.read_keys()
    managers = [signing_with(key, settings) for key in keys]
    for number in range(50):
        message = anomaly_said(number=number)
        appended = feed.say(ACME, message, publish=False)
        managers[number % 2].say(ACME, *appended, [message])
    await alice.until_position(50)
    assert alice.positions() == list(range(1, 51))
    assert since(before) == {}


async def test_a_key_that_is_met_before_it_was_read_is_read_at_once_and_a_retired_one_ends(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory
) -> None:
    alice, _ = await of_both(server, connect)
    (first,) = keys_of_postgres(feed)
    with transaction(feed.engine) as cursor:
        rotate(cursor)
        rotate(cursor)
    newest = keys_of_postgres(feed)[0]
    before = dropped()
    mallory.publish(sign(newest, said(ACME, -1)), ACME)  # nothing new: base + 1 is the head
    await eventually(lambda: newest.key_id in server.noc._feeds._publications._keys)
    assert since(before) == {"unknown_key": 1}
    mallory.publish(sign(first, said(ACME, 0)), ACME)
    await eventually(lambda: since(before) == {"unknown_key": 2})
    feed.say(ACME, anomaly_said(number=1))
    await alice.until_position(1)
    assert alice.heard("anomaly_detected")[0]["number"] == 1


async def test_what_a_holder_of_the_key_made_up_is_taken_back_within_a_second_or_so(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory
) -> None:
    """What was said is what is stored, also where true messages followed the forged one."""
    alice, bob = await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    mallory.publish(sign(good, said(ACME, 0)), ACME)
    await alice.until_position(1)
    feed.say(ACME, anomaly_said(number=1), anomaly_said(number=2))
    await alice.until("snapshot", 2)
    assert [payload["reason"] for payload in alice.heard("resync")] == ["other_history"]
    recent = alice.heard("snapshot")[-1]["recent"]
    assert [payload["number"] for payload in recent] == [2, 1]
    feed.say(ACME, anomaly_said(number=3))
    await alice.until_position(3)
    assert [name for name, _, _ in bob.events] == ["snapshot"]


async def test_what_a_holder_of_the_key_signs_and_nobody_can_read_is_counted(
    server: RunningServer, feed: Feed, connect: Connect, mallory: Mallory
) -> None:
    alice, _ = await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    before = dropped()
    nonsense: list[dict[str, Any]] = [
        {},
        said(ACME, 0, messages=[[1]]),
        said(ACME, 0, marks=[]),
        said(ACME, 0) | {"base": "0"},
        said(ACME, 0) | {"tenant_id": []},
    ]
    for fields in nonsense:
        mallory.publish(sign(good, fields), ACME)
    await eventually(lambda: since(before) == {"unreadable": len(nonsense)}, f"{since(before)}")
    feed.say(ACME, anomaly_said(number=1))
    await alice.until_position(1)
    assert alice.heard("anomaly_detected")[0]["number"] == 1


async def test_no_secret_is_in_a_log_of_what_was_dropped(
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    mallory: Mallory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await of_both(server, connect)
    (good,) = keys_of_postgres(feed)
    before = dropped()
    server.noc._feeds._publications._log_again_at = 0.0
    mallory.publish(sign(Key(good.key_id, b"x" * 32), said(ACME, 0)), ACME)
    await eventually(lambda: since(before) == {"forged": 1})
    printed = "".join(capsys.readouterr())
    assert "publications_dropped" in printed
    assert good.secret.hex() not in printed


def signing_with(key: Key, settings: Settings) -> FeedManager:
    return FeedManager(settings.redis_url, settings.redis_channel, lambda: key)


def keys_of_postgres(feed: Feed) -> list[Key]:
    """Return the valid keys, newest first."""
    rows = feed.rows("SELECT key_id, secret FROM channel_key ORDER BY made_at DESC, key_id")
    return [Key(key_id, secret) for key_id, secret in rows]
