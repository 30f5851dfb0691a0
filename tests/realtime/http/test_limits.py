"""What one client may send and hold open, and that others are served meanwhile."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from models import intake
from models.settings import Settings
from realtime.errors import ClientError
from realtime.http import body, in_flight, json_text, shares
from realtime.http.in_flight import Holder, InFlight
from realtime.postgres import Postgres
from realtime.transport import connections, slowing, socket
from realtime.transport.connections import CROWD
from realtime.transport.http_protocol import CONNECTIONS
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import (
    ACME,
    GLOBEX,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    anomaly_said,
    eventually,
    token,
)
from tests.realtime.http.conftest import Caller, store_anomaly
from tests.realtime.transport.raw import forgotten, hello, masked, opened

Start = Callable[..., Awaitable[RunningServer]]

LARGE = 15_600_000
MOVES = {
    "a move": "/api/v1/alerts/{}/acknowledge",
    "moves": "/api/v1/alerts/acknowledge",
    "a review": "/api/v1/anomalies/{}/review",
    "a silence": "/api/v1/quiet",
}


class Line:
    """A connection on which a test decides what is sent, and when."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, text: str | bytes) -> None:
        self._writer.write(text.encode() if isinstance(text, str) else text)

    async def status(self) -> int:
        """Return the status of an answer, whose body is dropped."""
        async with asyncio.timeout(20):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = head.lower().partition("content-length: ")[2].partition("\r")[0]
            await self._reader.readexactly(int(length or 0))
            return int(head.split(" ")[1])

    async def ended(self) -> bool:
        async with asyncio.timeout(20):
            try:
                return await self._reader.read(1) == b""
            except ConnectionResetError:
                return True

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def line(server: RunningServer, first: str = "") -> AsyncIterator[Line]:
    """A new connection on which `first` was sent."""
    one = Line(*await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port))
    one.send(first)
    yield one
    one.close()


def head(
    settings: Settings, method: str, path: str, length: int = 0, more: str = "", **claims: Any
) -> str:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: rollcall\r\n{more}"
        f"Authorization: Bearer {token(settings, **claims)}\r\nContent-Length: {length}\r\n\r\n"
    )


@pytest.mark.parametrize("what", MOVES)
async def test_a_viewer_is_refused_before_its_body_is_read(
    what: str, server: RunningServer
) -> None:
    asked = head(server.settings, "POST", MOVES[what].format(uuid4()), LARGE, role="viewer")
    async with line(server, asked) as unsent:
        assert await unsent.status() == 403


@pytest.mark.parametrize("what", MOVES)
async def test_what_an_operator_sends_has_64_kib_at_most(what: str, caller: Caller) -> None:
    path = MOVES[what].format(uuid4())
    for size, refused in ((65_536, (400, 404)), (65_537, (413,))):
        sent = b'{"note": "' + b"x" * (size - 12) + b'"}'
        assert len(sent) == size
        response = await caller.ask("POST", path, data=sent, role="operator")
        assert response.status in refused, await response.text()


async def test_a_body_is_no_deeper_than_64_levels(caller: Caller) -> None:
    for deep in (b"[" * 65 + b"]" * 65, b"[" * 5_000_000):
        response = await caller.ask("POST", "/api/v1/punches", data=deep, role="admin")
        assert response.status == 400
        assert "64 levels" in await response.text()


async def test_the_loop_turns_while_a_large_body_is_parsed(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered during it: the parser is held until they were."""
    parsing, answered = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def parse_slowly(sent: bytes) -> Any:
        loop.call_soon_threadsafe(parsing.set)
        asyncio.run_coroutine_threadsafe(answered.wait(), loop).result(20)
        return json_text.parse(sent)

    monkeypatch.setattr(body, "parse", parse_slowly)
    sent = b'[{"punch_id": "p1", "note": "' + b"x" * 100_000 + b'"}]'
    asked = asyncio.create_task(
        caller.ask("POST", "/api/v1/punches", data=sent, role=None, scope="submit")
    )
    async with asyncio.timeout(20):
        await parsing.wait()
        assert (await caller.get("/healthz", anonymous=True)).status == 200
        answered.set()
        assert (await asked).status == 202


async def test_one_credential_holds_so_much_and_others_are_taken_meanwhile(
    server: RunningServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_flight, "MOST_OF_CREDENTIAL", 300_000)
    monkeypatch.setattr(in_flight, "MOST_OF_TENANT", 500_000)
    monkeypatch.setattr(in_flight, "MOST_IN_ALL", 600_000)

    def sending(sub: str, tenant_id: int = ACME) -> str:
        asked = head(
            server.settings,
            "POST",
            "/api/v1/punches",
            LARGE,
            role="admin",
            sub=sub,
            tenant_id=tenant_id,
        )
        return asked + " " * 250_000

    held = server.app[body.BODIES].in_flight._held
    async with line(server, sending("eve")) as first:
        await eventually(lambda: held[None] == 250_000)
        async with line(server, sending("eve")) as second:
            assert await second.status() == 429
        await eventually(lambda: held[None] == 250_000)
        async with line(server, sending("mallory")) as third:
            await eventually(lambda: held[ACME] == 500_000)
            async with line(server, sending("trudy")) as fourth:
                assert await fourth.status() == 429
            async with line(server, sending("globex", GLOBEX)) as fifth:
                assert await fifth.status() == 503
            small = b"[" + b" " * 50_000 + b"]"
            response = await caller.ask(
                "POST", "/api/v1/punches", data=small, role="admin", tenant_id=GLOBEX
            )
            assert response.status == 400  # it was read, and holds no punch
            third.close()
        first.close()
        await eventually(lambda: not held, f"{held} is held of clients that are gone")


@pytest.mark.unit
def test_what_is_held_is_let_go_to_the_last_byte() -> None:
    several = InFlight()
    eve, alice = Holder(ACME, "eve"), Holder(GLOBEX, "alice")
    several.hold(eve, 5)
    several.hold(alice, 7)
    several.release(eve, 5)
    several.release(alice, 7)
    assert not several._held


async def test_a_head_that_is_half_sent_keeps_nobody_out(
    start_server: Start, monkeypatch: pytest.MonkeyPatch, feed: Feed, connect: Connect
) -> None:
    monkeypatch.setattr(connections, "SENDING_SECONDS", 0.0)
    server = await start_server(CONNECTIONS_PER_ADDRESS="20")
    alice = await connect(server)
    port = urlsplit(server.url).port
    halves = [
        Line(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(20 + CROWD * 20)
    ]
    for half in halves:
        half.send("GET /healthz HT")
    async with aiohttp.ClientSession() as session:
        assert (await Caller(session, server).get("/healthz", anonymous=True)).status == 200
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)
    assert len(server.app[CONNECTIONS]._strangers) <= 21
    for half in halves:
        half.close()


async def test_a_head_has_a_time_limit(
    start_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.05)
    server = await start_server()
    async with line(server, "GET /healthz HT") as half:
        assert await half.ended()
    async with line(server, head(server.settings, "GET", "/healthz")) as whole:
        assert await whole.status() == 200
        whole.send("GET /he")
        assert await whole.ended()


async def test_a_proxy_is_believed_by_what_it_adds_itself(start_server: Start) -> None:
    """Some add a line of their own below the client's."""
    server = await start_server(TRUSTED_PROXIES="127.0.0.1")
    lines = "X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-For: 192.0.2.1\r\n"
    async with line(server, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{lines}\r\n") as one:
        assert await one.status() == 200
        assert list(server.app[CONNECTIONS]._by_address) == ["192.0.2.1"]


async def test_who_left_the_namespace_keeps_no_connection(
    server: RunningServer, connect: Connect
) -> None:
    async with opened(server, masked(1, hello(server))) as leaving:
        await leaving.until("40/noc")
        leaving.write(masked(1, b"41/noc,"))
        await eventually(lambda: forgotten(server))


async def test_who_waits_to_be_let_in_makes_no_room(
    start_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All viewers behind one address come back at once, and Postgres is slow."""
    monkeypatch.setattr(connections, "SENDING_SECONDS", 0.0)
    server = await start_server(CONNECTIONS_PER_ADDRESS="5")
    go_on, admit = asyncio.Event(), server.noc.server.admit

    async def admit_late(socket_: Any, auth: object) -> Any:
        await go_on.wait()
        return await admit(socket_, auth)

    monkeypatch.setattr(server.noc.server, "admit", admit_late)
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(opened(server, masked(1, hello(server))))
            for _ in range(30)
        ]
        go_on.set()
        for viewer in crowd:
            await viewer.until("40/noc")


async def test_a_websocket_that_is_open_is_no_head(
    start_server: Start, monkeypatch: pytest.MonkeyPatch, feed: Feed, connect: Connect
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    server = await start_server()
    alice = await connect(server)
    async with line(server, "GET /") as half:
        assert await half.ended()
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)


async def test_viewers_make_no_room_whatever_they_are_connected_by(
    start_server: Start, monkeypatch: pytest.MonkeyPatch, feed: Feed, settings: Settings
) -> None:
    monkeypatch.setattr(connections, "SENDING_SECONDS", 0.0)
    server = await start_server(CONNECTIONS_PER_ADDRESS="3")
    viewers = [Watcher() for _ in range(3)]
    for viewer, transport in zip(viewers, ("websocket", "polling", "polling"), strict=True):
        await viewer.connect(server, [transport], token=token(settings))
    for _ in range(30):
        async with line(server):
            pass
    async with line(server), line(server), line(server), line(server):
        feed.say(ACME, anomaly_said())
        for viewer in viewers:
            await viewer.until_position(1)
    for viewer in viewers:
        await viewer.close()


async def test_sessions_that_ask_for_nothing_make_room_for_others(start_server: Start) -> None:
    """One connection could begin any number of them, by polling."""
    server = await start_server(CONNECTIONS_PER_ADDRESS="2")
    sockets = server.noc.server.eio.sockets
    async with aiohttp.ClientSession() as session:
        for _ in range(5 * CROWD * 2):
            async with session.get(f"{server.url}/socket.io/?EIO=4&transport=polling") as answer:
                assert answer.status == 200
    await eventually(lambda: len(sockets) <= CROWD * 2)


async def test_a_user_has_so_many_connections_and_others_have_theirs(
    start_server: Start, connect: Connect, settings: Settings
) -> None:
    server = await start_server(CONNECTIONS_PER_USER="2")
    first = await connect(server)
    await connect(server)
    for _ in range(2):
        third = Watcher()
        await third.client.connect(
            server.url, auth={"token": token(settings)}, namespaces=["/noc"], wait=False
        )
        refusal = await third.refused()
        assert refusal["data"] == {"code": "unavailable"}
        await third.close()
    await connect(server, claims={"sub": "bob"})
    await connect(server, claims={"tenant_id": GLOBEX})
    await first.close()
    await eventually(lambda: len(server.viewers()) == 3)
    await connect(server)


async def test_refused_tokens_are_slowed_down_and_a_good_one_is_not(
    start_server: Start, monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(slowing, "asyncio", type("asyncio", (), {"sleep": staticmethod(sleep)}))
    monkeypatch.setattr(slowing, "REFUSALS_PER_SECOND", 0.5)
    server = await start_server()
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        bad = {"headers": {"Authorization": "Bearer no"}, "anonymous": True}
        statuses = [(await caller.get("/api/v1/anomalies", **bad)).status for _ in range(12)]
    assert statuses[:2] == [401, 401]
    assert statuses[-1] == 429
    assert waited, "nothing was slowed"
    waited.clear()
    async with opened(server, masked(1, b'40/noc,{"token": "no"}')) as guessing:
        with pytest.raises(asyncio.IncompleteReadError):
            await guessing.until("it never comes")
    await connect(server)
    assert waited == []


async def test_what_is_sent_by_polling_is_read_to_its_end(server: RunningServer) -> None:
    """The library took the first part that arrived for all."""
    async with aiohttp.ClientSession() as session:
        polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
        async with session.get(polling) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        sent = hello(server)

        async def in_two_parts() -> AsyncIterator[bytes]:
            yield sent[:30]
            await asyncio.sleep(0.05)
            yield sent[30:]

        async with session.post(f"{polling}&sid={sid}", data=in_two_parts()) as answer:
            assert answer.status == 200
        await eventually(server.viewers)


async def test_what_is_sent_by_polling_for_too_long_ends_the_session(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "POST_SECONDS", 0.1)
    async with aiohttp.ClientSession() as session:
        polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
        async with session.get(polling) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        for length, part in ((50, "40"), (200_000, "4" * 150_000)):
            post = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n"
            async with line(
                server, f"{post}Host: rollcall\r\nContent-Length: {length}\r\n\r\n{part}"
            ) as slow:
                assert await slow.status() == 400
        await eventually(lambda: forgotten(server))


async def test_one_tenants_submissions_keep_no_other_waiting(
    feed: Feed, server: RunningServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than the server has threads, and each takes for ever."""
    store_anomaly(feed, 1, tenant_id=GLOBEX)
    alert_id = open_alert(feed.engine, tenant_id=GLOBEX)
    running, let_go, submit = [0, 0], threading.Event(), intake.submit
    lock = threading.Lock()

    def submit_slowly(engine: Any, punches: Any, *, by: Any) -> Any:
        if by.name == "eve":
            with lock:
                running[0] += 1
                running[1] = max(running)
            assert let_go.wait(60)
            with lock:
                running[0] -= 1
        return submit(engine, punches, by=by)

    monkeypatch.setattr(intake, "submit", submit_slowly)

    def asked(sub: str, tenant_id: int) -> Awaitable[Any]:
        claims: dict[str, Any] = {"role": None, "scope": "submit", "sub": sub}
        sent = b'{"punch_id": "p1"}'
        path = "/api/v1/punches"
        return caller.ask("POST", path, data=sent, tenant_id=tenant_id, **claims)

    waiting = [asyncio.ensure_future(asked("eve", ACME)) for _ in range(50)]
    try:
        await eventually(lambda: running[0])
        operator: dict[str, Any] = {"role": "operator", "tenant_id": GLOBEX}
        async with asyncio.timeout(20):
            path = f"/api/v1/alerts/{alert_id}/acknowledge"
            assert (await caller.ask("POST", path, **operator)).status == 200
            assert len(await caller.items("/api/v1/anomalies", **operator)) == 1
            assert (await asked("globex", GLOBEX)).status == 202
            path = f"/api/v1/quiet/{uuid4()}"
            assert (await caller.ask("DELETE", path, **operator)).status == 404
            refused = [one for one in waiting if one.done()]
            while len(refused) < 50 - shares.MOST_SUBMISSIONS - shares.MOST_SUBMISSIONS_WAITING:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
                refused = [one for one in waiting if one.done()]
    finally:
        let_go.set()
    statuses = Counter([(await one).status for one in waiting])
    assert running == [0, shares.MOST_SUBMISSIONS]
    assert statuses == {202: 22, 429: 28}
    assert not server.app[shares.SUBMISSIONS]._shares


async def test_one_tenants_lists_keep_no_other_waiting(
    feed: Feed, server: RunningServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_anomaly(feed, 1, tenant_id=GLOBEX)
    running, let_go, fetch = [0, 0], asyncio.Event(), Postgres.fetch

    async def fetch_slowly(self: Postgres, statement: Any, values: Any = None) -> Any:
        if ACME in statement.compile().params.values():
            running[0] += 1
            running[1] = max(running)
            await let_go.wait()
            running[0] -= 1
        return await fetch(self, statement, values)

    monkeypatch.setattr(Postgres, "fetch", fetch_slowly)
    waiting = [
        asyncio.ensure_future(caller.get("/api/v1/anomalies", tenant_id=ACME)) for _ in range(50)
    ]
    held = server.app[shares.QUERIES]._shares
    await eventually(lambda: ACME in held and held[ACME].asking == 50)
    async with asyncio.timeout(20):
        assert len(await caller.items("/api/v1/anomalies", tenant_id=GLOBEX)) == 1
    let_go.set()
    assert {(await one).status for one in waiting} == {200}
    assert running == [0, shares.MOST_QUERIES]
    assert not held


@pytest.mark.unit
async def test_a_turn_is_given_on_by_whoever_fails_or_stops_waiting() -> None:
    several, order, let_go = shares.Shares(1, 3), list[str](), asyncio.Event()

    async def ask(name: str) -> None:
        async with several.turn(ACME):
            order.append(name)
            await let_go.wait()
            raise ValueError

    asked = [asyncio.create_task(ask(name)) for name in "abcd"]
    await asyncio.sleep(0)
    with pytest.raises(ClientError, match="waits already"):
        await ask("e")
    asked[1].cancel()
    let_go.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        *("ValueError", "CancelledError", "ValueError", "ValueError")
    ]
    assert order == ["a", "c", "d"]
    assert not several._shares
