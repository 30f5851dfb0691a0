"""Bodies: what somebody sends that has no right to, or too much of it, keeps nobody waiting."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation
from tests.abuse.size import IS_FULL

LARGE = 15_600_000
OPEN_BODIES = 20
TIMES = 3 if IS_FULL else 1

BODIES = {
    "wide": b"[" + b"[]," * (LARGE // 3) + b"1]",
    "deep": b"[" * LARGE,
    "long": b'["' + b"x" * LARGE + b'"]',
    "many": json.dumps([{"punch_id": f"p{n}", "x": "y" * 1_400} for n in range(10_000)]).encode(),
}


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_large_body_of_a_move_keeps_nobody_waiting(installation: Installation, role: str) -> None:
    hostile = installation.token(installation.found(), role)
    with healthy_viewer(installation) as viewer:
        for path in (f"alerts/{uuid4()}/acknowledge", f"anomalies/{uuid4()}/review", "quiet"):
            for _ in range(TIMES):
                status = _post(installation, f"/api/v1/{path}", hostile, BODIES["wide"])
                assert status == (403 if role == "viewer" else 413)
        viewer.go_on()


@pytest.mark.parametrize("kind", BODIES)
def test_a_large_body_of_punches_keeps_nobody_waiting(
    installation: Installation, kind: str
) -> None:
    hostile = installation.token(installation.found(), "admin")
    with healthy_viewer(installation) as viewer:
        for _ in range(TIMES):
            status = _post(installation, "/api/v1/punches", hostile, BODIES[kind])
            assert status == {"wide": 400, "deep": 400}.get(kind, 202)
        viewer.go_on()


def test_bodies_that_do_not_end_fill_no_memory(installation: Installation) -> None:
    hostile = installation.token(installation.found(), "admin")
    head = _head("/api/v1/punches", hostile, LARGE)
    with healthy_viewer(installation) as viewer, ExitStack() as stack:
        for _ in range(OPEN_BODIES):
            body = stack.enter_context(_connection(installation))
            body.setblocking(False)
            with _full():
                body.sendall(head + b" " * (LARGE - 1))
        viewer.go_on()


def _post(installation: Installation, path: str, token: str, body: bytes) -> int:
    """Send all of a body, whatever is answered meanwhile, and return the status of the answer."""

    async def send() -> int:
        address = urlsplit(installation.server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(_head(path, token, len(body)) + body)
        line = await asyncio.wait_for(reader.readline(), 60)
        writer.close()
        return int(line.split(b" ")[1])

    return asyncio.run(send())


def _head(path: str, token: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: rollcall\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _connection(installation: Installation) -> socket.socket:
    address = urlsplit(installation.server.url)
    return socket.create_connection((address.hostname, address.port), 20)


@contextmanager
def _full() -> Iterator[None]:
    """Send as much as is taken, and no more."""
    try:
        yield
    except (BlockingIOError, ConnectionError):
        return
