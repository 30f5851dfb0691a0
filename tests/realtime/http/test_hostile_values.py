"""Values that nobody means: every parameter of every list refuses them, and breaks on none."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import aiohttp
import pytest
from pydantic import TypeAdapter
from yarl import URL

from realtime.http.endpoint import Endpoint
from realtime.http.routes import ENDPOINTS
from tests.realtime.cast import Connect, Feed, RunningServer, token

HOSTILE = {
    "empty": "",
    "blank": "%20",
    "minus": "-1",
    "zero": "0",
    "int4": "2147483648",
    "id": "9007199254740992",
    "int8": "9223372036854775808",
    "long": "9" * 5_000,
    "exponent": "1e400",
    "not a number": "NaN",
    "NUL": "%00",
    "text with NUL": "a%00b",
    "half a pair": "%ED%A0%80",
    "not UTF-8": "%FF%FE",
    "digits of elsewhere": quote("१२३"),
    "full width": quote("１５"),
    "quotes": quote("'\";--"),
    "braces": "%7B%7D",
    "commas": ",,,",
    "year 0": "0000-01-01T00:00:00Z",
    "before the first year": quote("0001-01-01T00:00:00+14:00"),
    "after the last year": quote("9999-12-31T23:59:59-14:00"),
    "leap second at the end": quote("9999-12-31T23:59:60Z"),
    "offset": quote("2026-01-01T00:00:00+99:99"),
    "cursor": base64.urlsafe_b64encode(
        f'["0001-01-01T00:00:00+14:00", "{UUID(int=1)}"]'.encode()
    ).decode(),
    "cursor of numbers": "WzEsIDJd",
    "cursor of nothing": "bnVsbA",
}
LISTS = [
    endpoint
    for endpoint in ENDPOINTS
    if endpoint.method == "GET" and "{" not in endpoint.path and endpoint.security == "bearer"
]
PARAMETERS = [(endpoint.path, name) for endpoint in LISTS for name in endpoint.query]
WITH_IDS = [endpoint for endpoint in ENDPOINTS if "_id}" in endpoint.path]
WITH_BODIES = [endpoint for endpoint in ENDPOINTS if endpoint.takes]
# What JSON can hold and hardly anything can be.
VALUES = [
    "a\0b",
    "\ud800",
    "x" * 50_000,
    "",
    -1,
    2**31,
    2**63,
    10**400,
    1.5,
    True,
    None,
    [],
    [[]],
    {},
    {"a\0b": "\ud800"},
]


def fields_of(schema: Any) -> Iterator[str]:
    """Yield the name of every field that a schema has, at any depth."""
    parts = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    if isinstance(schema, dict | list):
        for part in parts:
            yield from fields_of(part)


FIELDS = sorted(
    {
        name
        for endpoint in WITH_BODIES
        if endpoint.takes
        for name in fields_of(TypeAdapter(endpoint.takes.type).json_schema())
    }
)


class Shouter:
    """Sends addresses and bodies as they are spelled here, and keeps the answers that are 5xx."""

    def __init__(self, session: aiohttp.ClientSession, server: RunningServer) -> None:
        self._session = session
        self._server = server
        self.broken: list[tuple[int, str, str]] = []

    async def ask(self, method: str, path: str, body: bytes | None = None) -> int:
        bearer = token(self._server.settings, role="admin")
        async with self._session.request(
            method,
            URL(self._server.url + path, encoded=True),
            data=body,
            headers={"Authorization": f"Bearer {bearer}"},
        ) as response:
            text = await response.text()
        if response.status >= 500:
            self.broken.append((response.status, path, text))
        return response.status


@pytest.fixture
async def shouter(server: RunningServer) -> AsyncIterator[Shouter]:
    async with aiohttp.ClientSession() as session:
        yield Shouter(session, server)


@pytest.mark.parametrize(("path", "name"), PARAMETERS, ids=map("?".join, PARAMETERS))
async def test_no_value_of_a_parameter_breaks_a_list(
    shouter: Shouter, path: str, name: str
) -> None:
    statuses = [await shouter.ask("GET", f"{path}?{name}={value}") for value in HOSTILE.values()]
    assert shouter.broken == []
    assert set(statuses) <= {200, 400}


async def test_no_unknown_parameter_breaks_a_list(shouter: Shouter) -> None:
    for endpoint in LISTS:
        for name in HOSTILE.values():
            await shouter.ask("GET", f"{endpoint.path}?{name[:200]}=1")
    assert shouter.broken == []


@pytest.mark.parametrize("endpoint", WITH_IDS, ids=lambda endpoint: endpoint.path)
async def test_what_is_no_id_is_not_found(shouter: Shouter, endpoint: Endpoint) -> None:
    for value in HOSTILE.values():
        path = re.sub(r"{\w+_id}", value.replace("\\", "%5C") or "-", endpoint.path)
        await shouter.ask(endpoint.method, path.replace("{move}", "resolve"), b"{}")
    assert shouter.broken == []


@pytest.mark.parametrize("endpoint", WITH_BODIES, ids=lambda endpoint: endpoint.path)
async def test_no_body_breaks_anything(shouter: Shouter, feed: Feed, endpoint: Endpoint) -> None:
    path = endpoint.path.replace("{move}", "resolve")
    path = re.sub(r"{\w+_id}", str(UUID(int=1)), path)
    bodies = [*VALUES, *(dict.fromkeys(FIELDS, value) for value in VALUES)]
    bodies += [{name: value} for name in FIELDS for value in VALUES[:3]]
    for body in bodies:
        await shouter.ask(endpoint.method, path, json.dumps(body).encode())
    for text in (b"", b"\xff", b"[" * 100_000, b"1e400", b"NaN", b'{"a": 1e400}', b'"\\ud800"'):
        await shouter.ask(endpoint.method, path, text)
    assert shouter.broken == []


async def test_no_data_of_an_event_breaks_anything(
    feed: Feed, start_server: Any, connect: Connect
) -> None:
    server = await start_server(VIEWER_EVENTS_PER_SECOND="100000")
    alice = await connect(server, claims={"role": "admin"})
    keys = (
        "alert_id anomaly_id note assignee version verdict token before after limit types".split()
    )
    keys += ["severities", "sites"]
    identity = str(UUID(int=1))
    for event in server.noc.events.handlers:
        for value in VALUES:
            if value == 10**400 or value == "\ud800" or isinstance(value, dict):
                continue  # python-socketio's client, or orjson, does not send it
            for key in keys:
                data = {"alert_id": identity, "anomaly_id": identity, "verdict": "CONFIRMED"}
                answer = await alice.ask(event, data | {key: value})
                assert answer["ok"] or answer["error"]["code"] != "unavailable", (event, key, value)


async def test_no_origin_breaks_anything(feed: Feed, start_server: Any) -> None:
    server = await start_server(CORS_ORIGINS="*")
    for origin in (b"null", b"\xff\xfe", b"http://\xe2\x82\xac", b"x" * 5_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
        writer.write(b"GET /api/v1/alerts HTTP/1.1\r\nHost: x\r\nOrigin: " + origin + b"\r\n\r\n")
        async with asyncio.timeout(20):
            assert b" 401 " in await reader.readline(), origin
        writer.close()
