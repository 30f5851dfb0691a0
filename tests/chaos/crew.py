"""The crew: each tenant's operators, at sockets through the balancer and straight to one server,
and by REST.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp

from tests.chaos.deeds import Book
from tests.chaos.house import House
from tests.chaos.ledger import Ledger, Payload
from tests.chaos.operators import NO_ANSWER, TRIES, Access, Operator
from tests.chaos.viewers import PythonClient, Scope, Viewer

ANSWER_SECONDS = 3.0
QUIET_TYPE = "GPS_SPOOFING"
ITEMS_A_PAGE = 100
SHARES = 3  # more than any tenant has operators


class SocketAccess:
    """Access by a client that reconnects by itself, and hears the feed: it need not look."""

    def __init__(self, client: PythonClient) -> None:
        self._client = client

    async def ask(self, move: str, data: Payload) -> Payload:
        event = "anomaly_review" if move == "review" else f"alert_{move}"
        return await self._client.ask(event, data, ANSWER_SECONDS)

    async def look(self, hear: Callable[[Payload], None]) -> None:
        pass


class RestAccess:
    """Access by REST: the lists are read before each move, and moves are sent singly and as one of
    many by turns.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._url, self._token = session, url, token
        self._singly = False

    async def ask(self, move: str, data: Payload) -> Payload:
        if move == "review":
            return await self.call("POST", f"anomalies/{data['anomaly_id']}/review", data)
        self._singly = not self._singly
        if self._singly:
            return await self.call("POST", f"alerts/{data['alert_id']}/{move}", data)
        many = {
            "alert_ids": [data["alert_id"]],
            "versions": {data["alert_id"]: data["version"]},
            **data,
        }
        answer = await self.call("POST", f"alerts/{move}", many)
        results: list[Payload] = answer.get("results", [answer])
        return results[0]

    async def look(self, hear: Callable[[Payload], None]) -> None:
        for name in ("alerts", "anomalies"):
            for item in (await self.call("GET", f"{name}?limit={ITEMS_A_PAGE}")).get("items", []):
                hear(item)

    async def call(self, method: str, path: str, body: Payload | None = None) -> Payload:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._session.request(
            method, f"{self._url}/api/v1/{path}", json=body, headers=headers
        ) as response:
            answer: Payload = await response.json()
            return answer


async def _silence(access: RestAccess) -> None:
    """Silence a type for longer than any round. Where an answer was lost there may be two silences,
    which does no harm.
    """
    ends_at = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
    silence = {"kind": "silence", "reason": "Chaos.", "ends_at": ends_at, "types": [QUIET_TYPE]}
    answer: Payload = {}
    for _ in range(TRIES):
        with suppress(*NO_ANSWER):
            answer = await access.call("POST", "quiet", silence)
        if answer.get("state") == "in_force":
            return
        await asyncio.sleep(ANSWER_SECONDS)
    raise AssertionError(f"nothing could be silenced: {answer}")


class Crew:
    """The operators of all tenants. Those at sockets are viewers as well, and their ledgers count
    like any other's. One type of the last tenant is silenced.
    """

    def __init__(self, house: House, tenants: list[int], seed: int) -> None:
        self.books = {tenant_id: Book() for tenant_id in tenants}
        self.viewers: list[Viewer] = []
        self._house, self._seed = house, seed
        self._operators: list[Operator] = []
        self._clients: list[PythonClient] = []
        self._tasks: list[asyncio.Task[None]] = []
        house.backstage.run(self._sit_down())

    @property
    def done(self) -> int:
        """Moves and reviews that the servers said were done."""
        return sum(book.done for book in self.books.values())

    def work(self) -> None:
        """Have the operators work from now until `stop`."""
        self._house.backstage.run(self._work())

    def stop(self) -> None:
        """Have the operators finish what they are at, and stop."""
        self._house.backstage.run(self._stop())

    def close(self) -> None:
        self._house.backstage.run(self._close())

    async def _sit_down(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        front, direct = (
            self._house.url(proxy) for proxy in (self._house.front, self._house.direct[0])
        )
        a, b, c = self.books
        for number, (scope, url) in enumerate(
            [(Scope(a), front), (Scope(a, (1, 2)), direct), (Scope(b), direct), (Scope(c), front)]
        ):
            await self._at_a_socket(f"socket {number}", scope, url)
        by_rest = [
            self._by_rest(f"rest {tenant_id}", Scope(tenant_id), front) for tenant_id in self.books
        ]
        await _silence(by_rest[-1])

    async def _at_a_socket(self, name: str, scope: Scope, url: str) -> None:
        viewer = Viewer(f"operator {name} {scope}", scope, Ledger())
        client = PythonClient(viewer, self._house.token(scope, "operator", name))
        client.also = self._add(name, scope, SocketAccess(client)).hear
        self.viewers.append(viewer)
        self._clients.append(client)
        await client.connect(url, ["websocket"])

    def _by_rest(self, name: str, scope: Scope, url: str) -> RestAccess:
        access = RestAccess(self._session, url, self._house.token(scope, "operator", name))
        self._add(name, scope, access)
        return access

    def _add(self, name: str, scope: Scope, access: Access) -> Operator:
        chance = random.Random(f"{name} {self._seed}")
        share = len(self._operators) % SHARES, SHARES
        operator = Operator(name, self.books[scope.tenant_id], access, chance, share)
        self._operators.append(operator)
        return operator

    async def _work(self) -> None:
        self._tasks = [asyncio.create_task(operator.work()) for operator in self._operators]

    async def _stop(self) -> None:
        for operator in self._operators:
            operator.stop()
        await asyncio.gather(*self._tasks)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for client in self._clients:
            await client.close()
        await self._session.close()
