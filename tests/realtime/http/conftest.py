"""A caller of the REST API."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sqlalchemy import insert

from models.tables import anomaly
from tests.realtime.cast import ACME, Feed, RunningServer, token

START = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Caller:
    """Asks as whoever its token says."""

    def __init__(self, session: aiohttp.ClientSession, server: RunningServer) -> None:
        self._session = session
        self._server = server

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        anonymous: bool = False,
        data: Any = None,
        **claims: Any,
    ) -> Any:
        """Return the response, its body read. `claims` make the token."""
        sent = dict(headers or {})
        if not anonymous:
            bearer = f"Bearer {token(self._server.settings, **claims)}"
            sent = {"Authorization": bearer} | sent
        async with self._session.request(
            method, self._server.url + path, headers=sent, data=data
        ) as response:
            await response.read()
            return response

    async def get(self, path: str, **more: Any) -> Any:
        return await self.ask("GET", path, **more)

    async def metrics(self) -> str:
        """Return the metrics as Prometheus scrapes them, at their own port."""
        async with self._session.get(self._server.scraped_url + "/metrics") as response:
            assert response.status == 200
            return await response.text()

    async def items(self, path: str, **claims: Any) -> list[dict[str, Any]]:
        response = await self.get(path, **claims)
        assert response.status == 200, await response.text()
        items: list[dict[str, Any]] = (await response.json())["items"]
        return items


@pytest.fixture
async def caller(server: RunningServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(session, server)


def store_anomaly(
    feed: Feed, number: int, *, tenant_id: int = ACME, site_id: int = 15, **more: Any
) -> str:
    """Store an anomaly found `number` minutes after START. Return its id, which ends in that."""
    anomaly_id = UUID(int=(1 << 80) + number)
    row = {
        "tenant_id": tenant_id,
        "anomaly_id": anomaly_id,
        "punch_id": f"p{number}",
        "anomaly_type": "WRONG_PERSON",
        "person_id": 1000 + number,
        "site_id": site_id,
        "person_name": f"Person {number}",
        "site_name": f"Site {site_id}",
        "severity": "HIGH",
        "confidence": 0.9,
        "reason": "not_assigned",
        "explanation": "It was somebody else.",
        "evidence": {"distance_m": 12},
        "fraud_score": 0.5,
        "policy_version": 1,
        "occurred_at": START,
        "detected_at": START + timedelta(minutes=number),
        "updated_at": START,
    }
    with feed.engine.begin() as connection:
        connection.execute(insert(anomaly), row | more)
    return str(anomaly_id)
