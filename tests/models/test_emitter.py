"""The manager that workers publish with raises when Redis is gone, and addresses no room."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from dev.embedded.ports import free_port
from models.channel import Key, KeysUnreadable
from models.emitter import (
    DOCUMENT_BYTES,
    DOCUMENT_MESSAGES,
    EmitFailed,
    FeedManager,
    tenant_channel,
)
from models.feed import Message
from tests.sources import digest

KEY = Key("0a1b2c3d", b"a secret of 32 bytes, or nearly!!")

READ = {
    "socketio.redis_manager.RedisManager.__init__": "32f498ddd471adf5",
    "socketio.redis_manager.RedisManager._redis_connect": "982157b8eed980ba",
    "socketio.redis_manager.RedisManager._publish": "739dd129b93315d2",
    "socketio.pubsub_manager.PubSubManager.__init__": "2deb0d534bc925ed",
}


def message(body: str = '{"type":"anomaly_detected"}') -> Message:
    return Message("anomaly_detected", 15, "GPS_SPOOFING", "HIGH", None, body)


@pytest.fixture
def heard(redis_url: str, redis_channel: str) -> Iterator[redis.client.PubSub]:
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as listening:
        listening.subscribe(redis_channel, tenant_channel(redis_channel, 1))
        assert [listening.get_message(timeout=5)["type"] for _ in range(2)] == [
            "subscribe",
            "subscribe",
        ]
        yield listening


def documents(heard: redis.client.PubSub, number: int) -> list[dict[str, Any]]:
    """Return the next documents on the channels; fail if fewer come."""
    documents: list[dict[str, Any]] = []
    while len(documents) < number:
        published = heard.get_message(timeout=5)
        assert published is not None, f"only {len(documents)} of {number} documents came"
        documents.append(json.loads(published["data"]))
    return documents


def test_messages_are_said_on_their_tenants_channel(
    redis_url: str, redis_channel: str, heard: redis.client.PubSub
) -> None:
    FeedManager(redis_url, redis_channel, lambda: KEY).say(1, "e1", 41, [message(), message()])
    (document,) = documents(heard, 1)
    assert (document["method"], document["tenant_id"], document["epoch"], document["base"]) == (
        "say",
        1,
        "e1",
        41,
    )
    assert (
        document["messages"]
        == [["anomaly_detected", 15, "GPS_SPOOFING", "HIGH", None, '{"type":"anomaly_detected"}']]
        * 2
    )


def test_many_messages_are_said_in_several_documents_without_a_gap(
    redis_url: str, redis_channel: str, heard: redis.client.PubSub
) -> None:
    FeedManager(redis_url, redis_channel, lambda: KEY).say(
        1, "e1", 0, [message()] * (2 * DOCUMENT_MESSAGES + 1)
    )
    parts = documents(heard, 3)
    assert [(part["base"], len(part["messages"])) for part in parts] == [
        (0, 100),
        (100, 100),
        (200, 1),
    ]


def test_a_document_stays_within_its_size_but_for_a_single_large_message(
    redis_url: str, redis_channel: str, heard: redis.client.PubSub
) -> None:
    large = message("x" * DOCUMENT_BYTES)
    FeedManager(redis_url, redis_channel, lambda: KEY).say(
        1, "e1", 0, [message(), large, message()]
    )
    assert [(part["base"], len(part["messages"])) for part in documents(heard, 3)] == [
        (0, 1),
        (1, 1),
        (2, 1),
    ]


def test_a_redis_that_is_gone_is_an_error() -> None:
    manager = FeedManager(f"redis://127.0.0.1:{free_port()}", "rollcall", lambda: KEY)
    with pytest.raises(EmitFailed):
        manager.say(1, "e1", 0, [message()])


def test_a_connection_that_died_is_replaced_without_a_word(
    redis_url: str, redis_channel: str, heard: redis.client.PubSub
) -> None:
    manager = FeedManager(redis_url, redis_channel, lambda: KEY)
    manager.say(1, "e1", 0, [message()])
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    manager.say(1, "e1", 1, [message()])
    assert [part["base"] for part in documents(heard, 2)] == [0, 1]


def test_a_key_that_cannot_be_read_is_an_error(redis_url: str, redis_channel: str) -> None:
    def unreadable() -> Key:
        raise KeysUnreadable("away")

    with pytest.raises(EmitFailed, match="no key of the channel: away"):
        FeedManager(redis_url, redis_channel, unreadable).say(1, "e1", 0, [message()])


@pytest.mark.parametrize("room", [None, "", "noc_tenant_1"])
def test_what_socketio_would_emit_is_refused(
    redis_url: str, redis_channel: str, heard: redis.client.PubSub, room: object
) -> None:
    """No server acts on it: it would have reached viewers without being in the feed."""
    manager = FeedManager(redis_url, redis_channel, lambda: KEY)
    with pytest.raises(ValueError, match="no server acts on emit"):
        manager.emit("anomaly_detected", {}, namespace="/noc", room=room)
    with pytest.raises(ValueError, match="no server acts on close_room"):
        manager.close_room(room, "/noc")
    manager.say(1, "e1", 0, [message()])
    (document,) = documents(heard, 1)
    assert document["method"] == "say"


def test_what_is_overridden_has_not_changed() -> None:
    """If it has, read the new source, see whether FeedManager still works, and note the digest."""
    digests = {
        f"{function.__module__}.{function.__qualname__}": digest(function)
        for function in FeedManager.OVERRIDDEN
    }
    assert digests == READ
