"""Who is let in, what the others are told, and that nothing is left of them."""

import asyncio
import time
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused

from models.settings import Settings
from tests.realtime.cast import (
    ACME,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    anomaly_said,
    eventually,
    token,
)


async def refusal(server: RunningServer, **auth: Any) -> str:
    watcher = Watcher()
    with pytest.raises(Refused):
        await watcher.connect(server, **auth)
    assert watcher.refusal
    code: str = watcher.refusal["data"]["code"]
    return code


async def test_refusals_have_their_codes(server: RunningServer, settings: Settings) -> None:
    good = token(settings)
    assert await refusal(server) == "token_missing"
    assert await refusal(server, token="") == "token_missing"
    assert await refusal(server, token=good[:-4] + "AAAA") == "token_invalid"
    assert await refusal(server, token=17) == "token_invalid"
    assert await refusal(server, token=token(settings, role="emperor")) == "token_invalid"
    assert await refusal(server, token=token(settings, sites=[""])) == "token_invalid"
    assert await refusal(server, token=token(settings, exp=time.time() - 1)) == "token_expired"
    assert await refusal(server, token=token(settings, role=None, scope="submit")) == "forbidden"
    assert (
        await refusal(server, token=token(settings, sites=[15]), filter={"sites": [16]})
        == "forbidden"
    )
    assert await refusal(server, token=good, filter={"types": ["NONE_SUCH"]}) == "invalid"
    assert await refusal(server, token=good, history=501) == "invalid"


async def test_a_stock_client_reads_the_code_of_its_refusal(
    server: RunningServer, start_node: Any
) -> None:
    viewer = await start_node(server.url, auth={"token": "no token"})
    assert (await viewer.until("connect_error"))["code"] == "token_invalid"


async def test_an_error_while_connecting_is_a_refusal_and_leaves_no_ghost(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.run("ALTER TABLE tenant RENAME TO hidden", {})
    assert await refusal(server, token=token(server.settings)) == "unavailable"
    feed.run("ALTER TABLE hidden RENAME TO tenant", {})
    alice = await connect(server)
    await alice.until("snapshot")
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)


async def test_a_stock_client_that_comes_back_while_postgres_is_away_tries_until_it_recovers(
    server: RunningServer, feed: Feed, start_node: Any
) -> None:
    viewer = await start_node(server.url)
    await viewer.until_heard("snapshot")
    feed.run("ALTER TABLE viewer_filter RENAME TO hidden", {})  # asked for whoever comes back
    viewer.tell(do="cut")
    await viewer.until("disconnect", 2)
    feed.run("ALTER TABLE hidden RENAME TO viewer_filter", {})
    feed.say(ACME, anomaly_said())
    await viewer.until_position(1)
    assert viewer.noted("connect")[-1]["recovered"]
    assert viewer.noted("connect_error") == []


async def test_a_connection_says_what_it_shows_first(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    for number in range(20):
        feed.say(ACME, anomaly_said(15 + number % 2, number=number))
    alice = await connect(server)
    snapshot = await alice.until("snapshot")
    assert snapshot["position"] == 20
    assert alice.offset.startswith("first-20-")
    assert [payload["position"] for payload in snapshot["recent"]] == list(range(20, 10, -1))
    assert snapshot["open_alerts"] == {"LOW": 0, "MEDIUM": 0, "HIGH": 0, "CRITICAL": 0}
    assert snapshot["filter"] == {}
    bob = await connect(server, claims={"sites": [16]}, history=3)
    assert [payload["number"] for payload in (await bob.until("snapshot"))["recent"]] == [
        19,
        17,
        15,
    ]
    nobody = await connect(server, claims={"sites": []}, history=500)
    assert (await nobody.until("snapshot"))["recent"] == []


async def test_a_tenant_not_known_yet_is_heard_from_its_first_message(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    early = await connect(server, claims={"tenant_id": 3})
    assert (await early.until("snapshot"))["position"] == 0
    feed.open(3, epoch="born")
    feed.say(3, anomaly_said(), anomaly_said())
    await early.until_position(2)
    assert early.positions() == [1, 2]
    assert early.heard("resync") == []


async def test_a_client_that_is_gone_before_the_answer_leaves_nothing(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    for _ in range(20):
        hasty = Watcher()
        connecting = asyncio.create_task(
            hasty.connect(server, token=token(server.settings, sub="hasty"))
        )
        await asyncio.sleep(0.003)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await hasty.client.eio.disconnect(abort=True)
    noc = server.noc
    await eventually(lambda: len(noc.followers) == 1, "viewers that are gone stay")
    manager = noc.server.manager
    assert len(manager.rooms["/noc"][None]) == 1
    assert not manager.pending_connect
    assert not manager.pending_disconnect
    assert next(iter(noc.followers.values())).feed.holders == 1
