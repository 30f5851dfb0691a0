"""The load client counts what comes, and tells what does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from dev.bench.floors.fanout import CHANNEL, Floor
from dev.bench.message import packet, payload
from dev.bench.viewers import Lost, Viewers

pytestmark = pytest.mark.compiler
VIEWERS = 5


@pytest.fixture(params=["C", "asyncio"])
def floor(request: pytest.FixtureRequest, redis_url: str) -> Floor:
    return Floor(redis_url, request.param)


@pytest.fixture
def viewers(floor: Floor, tmp_path: Path) -> Iterator[Viewers]:
    with (
        floor.start(tmp_path) as serving,
        Viewers(serving.port, VIEWERS, path=floor.path, connect=floor.connect) as viewers,
    ):
        viewers.wait_connected()
        yield viewers


def test_every_viewer_hears_every_message_and_how_late_it_came(
    floor: Floor, viewers: Viewers
) -> None:
    viewers.expect(20, 30)
    floor.say(0, 20)
    heard = viewers.heard(30)
    assert (heard.received, heard.lost, heard.disorder) == (20 * VIEWERS, 0, 0)
    assert (
        heard.p50_ms is not None and heard.max_ms is not None and 0 <= heard.p50_ms <= heard.max_ms
    )


def test_a_message_that_did_not_come_spoils_the_measurement(floor: Floor, viewers: Viewers) -> None:
    viewers.expect(3, 1)
    floor.say(0, 2)
    with pytest.raises(Lost, match=f"{VIEWERS} messages lost"):
        viewers.heard(1)


def test_a_message_out_of_order_spoils_the_measurement(redis_url: str, viewers: Viewers) -> None:
    viewers.expect(2, 30)
    with redis.Redis.from_url(redis_url) as publisher:
        for number in (1, 0):
            publisher.publish(CHANNEL, packet(payload(number)))
    with pytest.raises(Lost, match=f"{VIEWERS} out of order"):
        viewers.heard(30)


def test_messages_are_of_the_size_that_is_claimed() -> None:
    assert {len(payload(number)) for number in (0, 99_999_999)} == {400}
