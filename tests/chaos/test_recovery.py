"""A stock client whose connection is cut finds its position again: with nothing heard yet, and on a
server that never saw it.
"""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from models.settings import Settings
from tests.chaos.proxy import Backstage, Proxy
from tests.chaos.viewers import PythonFleet, Scope
from tests.realtime.cast import ACME, Feed, RunningServer, anomaly_said, eventually, token


def port_of(server: RunningServer) -> int:
    return urlsplit(server.url).port or 0


async def test_a_client_cut_off_before_its_first_message_recovers(
    server: RunningServer, feed: Feed, start_node: Any, backstage: Backstage
) -> None:
    proxy = Proxy(backstage, [port_of(server)])
    viewer = await start_node(f"http://127.0.0.1:{proxy.port}")
    await viewer.until_heard("snapshot")
    await asyncio.to_thread(proxy.cut)
    feed.say(ACME, anomaly_said(), anomaly_said())
    await viewer.until_position(2)
    assert viewer.positions() == [1, 2]
    assert [note["recovered"] for note in viewer.noted("connect")] == [False, True]
    assert len(viewer.heard("snapshot")) == 1
    proxy.close()


async def test_a_filter_goes_with_a_client_to_another_server(
    feed: Feed, start_server: Any, start_node: Any, backstage: Backstage
) -> None:
    first, second = await start_server(), await start_server()
    proxy = Proxy(backstage, [port_of(first)])
    viewer = await start_node(f"http://127.0.0.1:{proxy.port}")
    await viewer.until_heard("snapshot")
    assert (await viewer.ask("filter_anomalies", {"types": ["WRONG_PERSON"], "sites": [15]}))["ok"]
    proxy.targets = [port_of(second)]
    await asyncio.to_thread(proxy.cut)
    feed.say(
        ACME,
        anomaly_said(),
        anomaly_said(16),
        anomaly_said(kind="GPS_SPOOFING"),
        anomaly_said(None),
        anomaly_said(),
    )
    await viewer.until_position(5)
    feed.say(ACME, anomaly_said(16), anomaly_said())
    await viewer.until_position(7)
    assert viewer.positions() == [1, 5, 7]
    assert viewer.noted("connect")[-1]["recovered"]
    proxy.close()


async def test_a_line_that_goes_dead_and_comes_back_loses_nothing(
    server: RunningServer, feed: Feed, start_node: Any, backstage: Backstage
) -> None:
    proxy = Proxy(backstage, [port_of(server)])
    viewer = await start_node(f"http://127.0.0.1:{proxy.port}")
    await viewer.until_heard("snapshot")
    proxy.stall()
    for _ in range(50):
        feed.say(ACME, anomaly_said())
    await asyncio.to_thread(proxy.cut)  # with messages under way
    proxy.flow()
    await viewer.until_position(50)
    assert viewer.positions() == list(range(1, 51))
    proxy.close()


async def test_viewers_that_poll_come_back_after_their_server_was_stopped(
    feed: Feed, settings: Settings, start_server: Any, start_node: Any, backstage: Backstage
) -> None:
    first = await start_server()
    proxy = Proxy(backstage, [port_of(first)])
    url = f"http://127.0.0.1:{proxy.port}"
    node = await start_node(url, transports=["polling"])
    await node.until_heard("snapshot")
    python = await asyncio.to_thread(
        PythonFleet, backstage, "python", url, [(Scope(ACME), token(settings))], ["polling"]
    )
    ledger = python.viewers[0].ledger
    await eventually(lambda: ledger.ready)
    proxy.targets = [port_of(await start_server())]
    await first.stop()
    feed.say(ACME, *[anomaly_said() for _ in range(40)])
    await node.until_position(40)
    await eventually(lambda: 40 in ledger.positions)
    assert node.positions() == ledger.positions == list(range(1, 41))
    assert node.noted("connect")[-1]["recovered"]
    await asyncio.to_thread(python.close)
    proxy.close()


async def test_a_poll_that_is_repeated_because_its_answer_was_lost_ends_the_connection(
    server: RunningServer, feed: Feed
) -> None:
    """HTTP clients, browsers and proxies repeat a GET whose connection broke; what the first one
    took would be missing for ever.
    """
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}/socket.io/?EIO=4&transport=polling"
        async with session.get(f"{url}&t=0") as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        await session.post(
            f"{url}&sid={sid}&t=1", data="40/noc," + json.dumps({"token": token(server.settings)})
        )
        heard = ""
        for number in range(2, 10):
            async with session.get(f"{url}&sid={sid}&t={number}") as answer:
                heard += await answer.text()
            if "snapshot" in heard:
                break
        feed.say(ACME, anomaly_said())
        async with session.get(f"{url}&sid={sid}&t=lost") as answer:
            assert "anomaly_detected" in await answer.text()
        async with session.get(f"{url}&sid={sid}&t=lost") as answer:
            assert answer.status == 400
