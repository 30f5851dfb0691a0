"""A session that began at another server: what client, log and metrics say, and its return."""

from typing import Any

import aiohttp
from structlog.testing import capture_logs

from realtime import metrics
from realtime.transport import unknown_sessions
from tests.realtime.balancer import Balancer
from tests.realtime.cast import Feed, RunningServer, eventually


def counted() -> float:
    return float(metrics.unknown_sessions._value.get())


async def test_polling_between_two_servers_is_told_what_it_needs_and_gets_in_once_it_has_it(
    start_server: Any, start_node: Any, feed: Feed
) -> None:
    before = counted()
    servers = [await start_server(), await start_server()]
    with capture_logs() as said:
        async with Balancer(servers) as balancer:
            viewer = await start_node(balancer.url, transports=["polling"])
            await eventually(lambda: len(balancer.refusals) >= 4, "it does not try again")
            assert viewer.noted("connect") == []
            balancer.sticky = True
            assert (await viewer.until("connect"))["transport"] == "polling"
            await viewer.until_heard("snapshot")
            await viewer.close()
    assert {refusal["code"] for refusal in balancer.refusals} == {1}
    assert all("sticky sessions" in str(refusal["message"]) for refusal in balancer.refusals)
    assert all("docs/operating.md" in str(refusal["message"]) for refusal in balancer.refusals)
    assert counted() - before == len(balancer.refusals)
    lines = [line for line in said if line["event"] == "session_unknown"]
    assert 1 <= len(lines) <= len(servers)  # a minute's, each server's own
    assert all("sticky sessions" in line["why"] for line in lines)


async def test_a_session_from_before_a_restart_is_answered_alike_and_no_session_differently(
    server: RunningServer, feed: Feed
) -> None:
    address = f"{server.url}/socket.io/?EIO=4&transport=polling"
    before = counted()
    async with aiohttp.ClientSession() as session:
        for ask in (session.get, session.post):
            async with ask(f"{address}&sid=of-before", data=b"") as answer:
                assert (answer.status, answer.content_type) == (400, "application/json")
                body = await answer.text()
                assert "of-before" not in body
                assert unknown_sessions.MESSAGE in body
        assert counted() - before == 2
        async with session.post(address, data=b"") as answer:
            assert answer.status == 400
            assert "Invalid session" in await answer.text()
    assert counted() - before == 2


def test_the_log_says_it_once_a_minute_with_all_that_came_between(monkeypatch: Any) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sessions = unknown_sessions.UnknownSessions()
    with capture_logs() as said:
        for _ in range(5):
            sessions.refuse()
        now += unknown_sessions.LOG_SECONDS
        sessions.refuse()
    assert [line["requests"] for line in said] == [1, 5]
