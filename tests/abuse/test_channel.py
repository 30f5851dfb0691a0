"""The channel: whoever may publish on Redis, and holds no key, is believed nothing."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from models.channel import Key, sign
from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation
from tests.end_to_end.waiting import wait_until

A_SECOND = 1_000
PAUSE_SECONDS = 0.02
FORGED = '{"type":"anomaly_detected","site_id":15,"forged":true}'
COMMANDS: list[dict[str, Any]] = [
    {"method": "emit", "event": "anomaly_detected", "data": [{"forged": True}], "room": None},
    {"method": "emit", "event": "resync", "data": [{"forged": True}], "room": "noc_tenant_1"},
    {"method": "close_room", "room": None},
    {"method": "disconnect", "sid": None},
]
_FEED = "SELECT epoch, head FROM tenant WHERE tenant_id = %(id)s"


def test_forgeries_on_the_channel_are_shown_to_nobody_and_keep_nobody_waiting(
    installation: Installation,
) -> None:
    with healthy_viewer(installation) as viewer, _forging(installation, viewer.tenant_id) as sent:
        wait_until(lambda: len(sent) >= A_SECOND // 10, "forgeries are published")
        viewer.go_on()
    assert any(sent), "no server heard a forgery"


@contextmanager
def _forging(installation: Installation, tenant_id: int) -> Iterator[list[int]]:
    """Publish, while the block runs, what no server is to act on: commands of the library, and what
    is said next by the tenant's feed, unsigned or signed with a key of one's own. Yield how many
    servers heard each.
    """
    heard: list[int] = []
    stopped = threading.Event()
    channel = installation.stage.environ["REDIS_CHANNEL"]
    key = Key(secrets.token_hex(4), secrets.token_bytes(32))

    def forge() -> None:
        with redis.Redis.from_url(installation.world.valkey.url) as client:
            while not stopped.wait(PAUSE_SECONDS):
                said = _said(installation, tenant_id)
                documents: list[tuple[str, bytes]] = [
                    *((channel, json.dumps(command).encode()) for command in COMMANDS),
                    *(
                        (f"{channel}:{tenant_id}", json.dumps(command).encode())
                        for command in (*COMMANDS, said)
                    ),
                    (f"{channel}:{tenant_id}", sign(key, said)),
                ]
                with client.pipeline(transaction=False) as pipeline:
                    for number in range(int(A_SECOND * PAUSE_SECONDS)):
                        pipeline.publish(*documents[number % len(documents)])
                    heard.extend(pipeline.execute())

    thread = threading.Thread(target=forge, daemon=True)
    thread.start()
    yield heard
    stopped.set()
    thread.join()


def _said(installation: Installation, tenant_id: int) -> dict[str, Any]:
    """Return a message of one's own at the position that the tenant's feed gives next."""
    epoch, head = installation.rows(_FEED, id=tenant_id)[0]
    return {
        "method": "say",
        "tenant_id": tenant_id,
        "epoch": epoch,
        "base": head,
        "messages": [["anomaly_detected", 15, "WRONG_PERSON", "HIGH", None, FORGED]],
        "marks": ["0" * 12],
        "host_id": "somebody",
        "at": 0.0,
    }
