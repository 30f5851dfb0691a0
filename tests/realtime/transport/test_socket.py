"""What a connection costs once its websocket is open."""

import asyncio
import json

import aiohttp

from tests.realtime.cast import Feed, RunningServer, eventually, token


async def test_nothing_is_compressed_and_no_task_is_kept_for_a_viewer(
    server: RunningServer, feed: Feed
) -> None:
    async def tasks_with(viewer: aiohttp.ClientWebSocketResponse) -> int:
        assert not viewer.compress
        await viewer.send_str("40/noc," + json.dumps({"token": token(server.settings)}))
        while "snapshot" not in await viewer.receive_str():
            pass
        await eventually(lambda: all(viewer.group for viewer in server.viewers()))
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks())

    url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, compress=15) as first,
        session.ws_connect(url, compress=15) as second,
    ):
        assert await tasks_with(first) == await tasks_with(second)
        assert all(viewer.socket.queue is None for viewer in server.viewers())
