"""Requests that never reach the application are answered as the others are, and say nothing."""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from realtime.http.runner import MOST_HEADER_BYTES, Protocol
from tests.realtime.cast import RunningServer, token
from tests.realtime.http.conftest import Caller

Answer = tuple[int, dict[str, str], bytes]


async def answer_to(server: RunningServer, request: bytes) -> Answer:
    """Return what a request gets that no client library would send: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(request)
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["Content-Length"]))
    writer.close()
    return int(head[0].split()[1]), headers, body


def with_header(line: str) -> bytes:
    return f"GET /api/v1/alerts HTTP/1.1\r\nHost: rollcall\r\n{line}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (with_header("Authorization: Bearer geheim" + "x" * MOST_HEADER_BYTES), 431, "A header is"),
        (b"GET /api/v1/geheim" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 414, "The address is"),
        (with_header("geheim"), 400, "not well-formed"),
        (b"GET /geheim\x00 HTTP/1.1\r\n\r\n", 400, "not well-formed"),
        (b"\x16\x03\x01geheim\r\n\r\n", 400, "not well-formed"),
        (b"GET / HTTP/1.1\r\nContent-Length: geheim\r\n\r\n", 400, "not well-formed"),
        (with_header("Expect: geheim"), 417, "Expectation Failed"),
    ],
    ids="header line no-header nul tls length expectation".split(),
)
async def test_what_cannot_be_read_is_refused_as_json_that_quotes_nothing(
    server: RunningServer,
    sent: bytes,
    status: int,
    said: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    got, headers, body = await answer_to(server, sent)
    assert (got, headers["Content-Type"]) == (status, "application/json; charset=utf-8")
    error = json.loads(body)["error"]
    assert error["code"] == "invalid" and said in error["message"]
    assert headers["Server"] == "Rollcall"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"geheim" not in body
    printed = capfd.readouterr()
    assert "geheim" not in printed.out + printed.err


async def test_a_token_of_more_than_eight_kilobytes_is_read(
    server: RunningServer, caller: Caller
) -> None:
    long = token(server.settings, sites=list(range(1, 2_000)))
    assert 8_190 < len(long) < 16_384
    assert (await caller.get("/api/v1/alerts", sites=list(range(1, 2_000)))).status == 200
    response = await caller.get("/api/v1/alerts", sites=list(range(1, 3_000)))
    assert (response.status, (await response.json())["error"]["code"]) == (401, "token_invalid")


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/alerts", "/none", "/socket.io/?EIO=4"])
async def test_no_answer_tells_what_it_was_made_with(caller: Caller, path: str) -> None:
    response = await caller.get(path, anonymous=True)
    assert response.headers.getall("Server") == ["Rollcall"]


async def test_a_websocket_does_not_tell_either(server: RunningServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: rollcall\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head and b"Server: Rollcall\r\n" in head
    writer.close()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/alerts",
        "/api/openapi.json",
        "/healthz",
        "/readyz?self",
        "/socket.io/?EIO=4&transport=polling",
    ],
)
async def test_what_is_no_file_of_the_page_is_kept_by_no_cache(caller: Caller, path: str) -> None:
    assert (await caller.get(path)).headers["Cache-Control"] == "no-store"


async def test_the_page_is_kept_and_asked_for_again(caller: Caller) -> None:
    assert (await caller.get("/", anonymous=True)).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/healthz", "/none"])
@pytest.mark.parametrize("more", ["", "Expect: geheim\r\n"])
async def test_others_get_their_turn_between_requests_that_come_at_once(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, path: str, more: str
) -> None:
    """From Python 3.12 on aiohttp itself gave nobody a turn."""
    turns, answered_in = 0, []
    finish_response = web.RequestHandler.finish_response

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def note(*args: Any) -> Any:
        answered_in.append(turns)
        return await finish_response(*args)

    monkeypatch.setattr(web.RequestHandler, "finish_response", note)
    counting = asyncio.create_task(count())
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: rollcall\r\n{more}\r\n".encode() * 50)
    async with asyncio.timeout(20):
        for _ in range(50):
            await reader.readuntil(b"HTTP/1.1 ")
    writer.close()
    counting.cancel()
    assert len(answered_in) == 50
    assert all(before < after for before, after in itertools.pairwise(answered_in))


def steps_to(coroutine: Coroutine[Any, Any, Any]) -> tuple[int, Any]:
    """Return how often it gives way to the loop, and what it returns."""
    for ways in itertools.count():
        try:
            coroutine.send(None)
        except StopIteration as end:
            return ways, end.value
    raise AssertionError


@pytest.mark.unit
@pytest.mark.parametrize("behind", [[], ["another request"]])
async def test_a_protocol_gives_way_where_another_request_is_here_already(
    behind: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def finish_response(*_: object) -> str:
        return "answered"

    monkeypatch.setattr(web.RequestHandler, "finish_response", finish_response)
    protocol: Any = Protocol.__new__(Protocol)
    protocol._messages = deque(behind)
    finishing = protocol.finish_response(None, web.Response(), None)
    assert steps_to(finishing) == (len(behind), "answered")
