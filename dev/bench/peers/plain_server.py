"""The peer: python-socketio as its documentation has it, on aiohttp with an AsyncRedisManager, with
one room.

    python -m dev.bench.peers.plain_server PORT REDIS_URL CHANNEL
"""

import sys

import socketio
from aiohttp import web

ROOM = "noc_tenant_1"


def make_app(redis_url: str, channel: str) -> web.Application:
    server = socketio.AsyncServer(
        async_mode="aiohttp", client_manager=socketio.AsyncRedisManager(redis_url, channel=channel)
    )

    async def connect(sid: str, *_: object) -> None:
        await server.enter_room(sid, ROOM, namespace="/noc")

    server.on("connect", connect, namespace="/noc")
    app = web.Application()
    server.attach(app)
    return app


if __name__ == "__main__":
    web.run_app(
        make_app(sys.argv[2], sys.argv[3]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        backlog=4096,
        print=None,
    )
