"""What the API answers is what its description says, for every endpoint and every status."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dev.embedded.ports import free_port
from models.alerts.quiet_rows import MOST_QUIET
from realtime.http import body
from realtime.http.body import MOST_BYTES
from realtime.transport import slowing
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import Feed, RunningServer
from tests.realtime.http.conftest import Caller
from tests.realtime.http.described import (
    ADMIN,
    OPERATOR,
    PLANNED,
    Operation,
    furnish,
    operations,
    punch,
    read_document,
)
from tests.realtime.http.json_schema import flaws
from tests.realtime.issuer import signed

NOBODY = "00000000-0000-0000-0000-000000000000"
METRICS_TOKEN = "0123456789abcdef" * 2
JSON = "application/json"
# As many silences as a tenant may have.
FILL = """
INSERT INTO quiet (tenant_id, quiet_id, kind, reason, author, starts_at, ends_at, created_at)
SELECT 1, gen_random_uuid(), 'silence', 'Full.', 'olga', now(), now() + interval '1 hour', now()
FROM generate_series(1, %(count)s)
"""


class Tour:
    """Goes round the API, holding every answer against the description."""

    def __init__(self, caller: Caller, document: dict[str, Any], ids: dict[str, str]) -> None:
        self.document = document
        self.operations = {operation.name: operation for operation in operations(document)}
        self.seen: defaultdict[str, set[int]] = defaultdict(set)
        self._caller = caller
        self._ids = ids

    async def ask(
        self,
        name: str,
        sent: object = None,
        *,
        query: str = "",
        ids: dict[str, str] | None = None,
        **more: Any,
    ) -> int:
        operation = self.operations[name]
        address = operation.path.format(**self._ids | (ids or {})) + query
        if sent is endless:
            data: Any = endless()
        elif sent is None or isinstance(sent, bytes):
            data = sent
        else:
            data = json.dumps(sent).encode()
        response: aiohttp.ClientResponse = await self._caller.ask(
            operation.method, address, data=data, **more
        )
        self.seen[name].add(response.status)
        self._hold_against_description(operation, response, await response.text())
        return response.status

    def _hold_against_description(
        self,
        operation: Operation,
        response: aiohttp.ClientResponse,
        text: str,
    ) -> None:
        status = response.status
        assert str(status) in operation.says["responses"], f"{operation.name}: {status} {text}"
        described = operation.says["responses"][str(status)]
        content = described["content"][response.content_type]
        value: Any = json.loads(text) if response.content_type == JSON else text
        assert flaws(self.document, content["schema"], value) == [], f"{operation.name}: {status}"
        if status >= 400 and operation.path != "/readyz":
            code = value["error"]["code"]
            assert code in described["description"], f"{operation.name}: {status} {code}"

    async def repeat(self, caller: Caller) -> None:
        """Ask each of a server that can tell nobody who they are, and has no token for metrics."""
        elsewhere = Tour(caller, self.document, self._ids)
        for name, operation in self.operations.items():
            if operation.wants_token():
                assert await elsewhere.ask(name, {}) == 503
        assert await elsewhere.ask("GET /metrics") == 404
        for name, statuses in elsewhere.seen.items():
            self.seen[name] |= statuses

    def left_out(self) -> dict[str, set[int]]:
        """Return what is described and was not seen."""
        missing: dict[str, set[int]] = {}
        for name, operation in self.operations.items():
            if unseen := {int(status) for status in operation.says["responses"]} - self.seen[name]:
                missing[name] = unseen
        return missing


@pytest.fixture
async def tour(start_server: Any, feed: Feed) -> AsyncIterator[Tour]:
    server = await start_server(METRICS_TOKEN=METRICS_TOKEN)
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        ids = await furnish(caller, feed)
        yield Tour(caller, await read_document(caller), ids)


@pytest.fixture
async def untokened(start_server: Any, server: RunningServer) -> AsyncIterator[Caller]:
    """Asks a server that cannot read the keys of its tokens' issuer, with a token of another."""
    keys = f"http://127.0.0.1:{free_port()}/"
    stranger = signed(ec.generate_private_key(ec.SECP256R1()), "unknown")
    keyless = await start_server(JWT_SECRET="", JWT_JWKS_URL=keys, JWT_ISSUER="acme")

    class Stranger(Caller):
        async def ask(self, *args: Any, **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {stranger}"}
            return await super().ask(*args, **more | {"headers": headers, "anonymous": True})

    async with aiohttp.ClientSession() as session:
        yield Stranger(session, keyless)


async def test_every_answer_that_is_described_comes_and_is_as_described(
    tour: Tour,
    untokened: Caller,
    feed: Feed,
) -> None:
    await refuse(tour)
    await succeed(tour, feed)
    await tour.repeat(untokened)
    assert tour.left_out() == {}


async def refuse(tour: Tour) -> None:
    """Ask each for what anything of its kind refuses, whether that is described or not."""
    for name, operation in tour.operations.items():
        if not operation.wants_token():
            continue
        assert await tour.ask(name, anonymous=True) == 401
        with pytest.MonkeyPatch.context() as limits:
            limits.setattr(slowing, "LONGEST_SECONDS", -2.0)
            assert await tour.ask(name, anonymous=True) == 429
        lesser: dict[str, Any] = {}
        if "/punches" not in name:
            lesser = {"role": None, "scope": "submit"}
        assert await tour.ask(name, _some_body(name), **lesser) == 403
        if operation.filters():
            assert await tour.ask(name, query="?colour=red", **ADMIN) == 400
        if operation.takes_body():
            await refuse_bodies(tour, name)
        if "_id}" in operation.path:
            nobody = {part: NOBODY for part in tour._ids if part.endswith("_id")}
            assert await tour.ask(name, _some_body(name), ids=nobody, **ADMIN) == 404


async def refuse_bodies(tour: Tour, name: str) -> None:
    assert await tour.ask(name, b"{", **ADMIN) == 400
    assert await tour.ask(name, b" " * (MOST_BYTES + 1), **ADMIN) == 413
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(body, "BODY_SECONDS", 0.0)
        assert await tour.ask(name, endless, **ADMIN) == 408


async def endless() -> AsyncIterator[bytes]:
    """Yield the beginning of a body, and never its end."""
    yield b"{"
    await asyncio.Event().wait()


def _some_body(name: str) -> object:
    if name.endswith("/review"):
        return {"verdict": "CONFIRMED"}
    return PLANNED if name == "POST /api/v1/quiet" else None


async def succeed(tour: Tour, feed: Feed) -> None:
    """Have each do what it is there for."""
    alerts = "/api/v1/alerts"
    for name, operation in tour.operations.items():
        if operation.method == "GET" and operation.wants_token():
            assert await tour.ask(name, **ADMIN) == 200
            if "text/csv" in operation.says["responses"]["200"]["content"]:
                assert await tour.ask(name, headers={"Accept": "text/csv"}, **ADMIN) == 200
    # Its anomaly was withdrawn by a correction.
    withdrawn = {"anomaly_id": f"00000000-0001-0000-0000-{2:012}"}
    assert await tour.ask("GET /api/v1/anomalies/{anomaly_id}", ids=withdrawn) == 200
    for sent in (punch("p7"), [punch("p8"), punch("p9", kind="nap")]):
        assert await tour.ask("POST /api/v1/punches", sent, **ADMIN) == 202
    resubmit = "POST /api/v1/rejected/{rejected_id}/resubmit"
    assert await tour.ask(resubmit, punch("p2"), **ADMIN) == 202
    one = f"POST {alerts}/{{alert_id}}/{{move}}"
    assert await tour.ask(one, {"note": "Looking.", "version": 1}, **OPERATOR) == 200
    assert await tour.ask(one, **OPERATOR) == 409
    for name in tour.operations:
        if name.startswith(f"POST {alerts}/") and "{" not in name:
            ids = [str(open_alert(feed.engine, person_id=90)), "nonsense", tour._ids["alert_id"]]
            moves = {"alert_ids": ids, "assignee": "Bob", "note": "Seen.", "versions": {ids[2]: 1}}
            assert await tour.ask(name, moves, **OPERATOR) == 200
            feed.run("UPDATE alert SET status = 'RESOLVED' WHERE person_id = 90", {})
    reviewed = "POST /api/v1/anomalies/{anomaly_id}/review"
    assert await tour.ask(reviewed, {"verdict": "CONFIRMED", "note": "Seen."}, **OPERATOR) == 200
    assert await tour.ask("GET /api/v1/anomalies/{anomaly_id}") == 200
    assert await tour.ask("GET /api/v1/alerts/{alert_id}") == 200
    assert await tour.ask("POST /api/v1/quiet", PLANNED, **OPERATOR) == 201
    feed.run(FILL, {"count": MOST_QUIET})
    assert await tour.ask("POST /api/v1/quiet", PLANNED, **OPERATOR) == 409
    for status in (200, 409):
        assert await tour.ask("DELETE /api/v1/quiet/{quiet_id}", **OPERATOR) == status
    assert await tour.ask("GET /healthz", anonymous=True) == 200
    assert await tour.ask("GET /readyz", anonymous=True) == 503  # no worker runs
    assert await tour.ask("GET /readyz", query="?self", anonymous=True) == 200
    assert await tour.ask("GET /metrics", anonymous=True) == 401
    bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert await tour.ask("GET /metrics", anonymous=True, headers=bearer) == 200
