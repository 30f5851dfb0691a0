"""A load balancer for requests that knows no websockets, and at first no sticky sessions either."""

from collections.abc import Sequence
from itertools import cycle

import aiohttp
from aiohttp import web

from dev.embedded.ports import free_port
from tests.realtime.cast import RunningServer


class Balancer:
    """Sends each request to the next server; while it is `sticky`, all of them to the first."""

    def __init__(self, servers: Sequence[RunningServer]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sticky = False
        self.refusals: list[dict[str, object]] = []
        self._first = servers[0]
        self._next = cycle(servers)

    async def __aenter__(self) -> "Balancer":
        self._client = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        server = self._first if self.sticky else next(self._next)
        url = f"{server.url}{request.rel_url}"
        async with self._client.request(request.method, url, data=await request.read()) as answer:
            if answer.status == 400:
                self.refusals.append(await answer.json())
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )
