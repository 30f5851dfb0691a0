"""The cast and its props: a feed that says things, servers, and viewers that take notes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import socketio
from aiohttp import web

from dev.bench.always_so import hold_since_ever
from models.channel_keys import SigningKeys
from models.database import make_engine, transaction
from models.emitter import FeedManager
from models.feed import Appended, Message, append
from models.ids import Id
from models.settings import Settings, load_settings
from realtime.app import NOC, make_app
from realtime.feed.viewer import Viewer
from realtime.http.runner import Runner
from realtime.http.scraping import scraped_app
from realtime.tokens import mint

ACME, GLOBEX = 1, 2
NAMESPACE = "/noc"
DEADLINE = 60.0


async def eventually(condition: Callable[[], object], what: str = "") -> None:
    """Wait until the condition holds. Only tests that fail wait for the deadline."""
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, what or "it never came true"
        await asyncio.sleep(0.01)


def anomaly_said(
    site_id: Id | None = 15,
    *,
    severity: str = "HIGH",
    kind: str = "WRONG_PERSON",
    prior: str | None = None,
    **more: Any,
) -> Message:
    """Return a message as the judge makes them. `more` may have a `number` to tell it by."""
    event = "anomaly_updated" if prior else "anomaly_detected"
    body = {"type": event, "site_id": site_id, "severity": severity, "anomaly_type": kind, **more}
    return Message(event, site_id, kind, severity, prior, orjson.dumps(body).decode())


class Feed:
    """Does to feeds what workers do: says something in a transaction, and then publishes it."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings.database_url)
        self.manager = FeedManager(
            settings.redis_url, settings.redis_channel, SigningKeys(self.engine)
        )

    def open(self, tenant_id: Id, epoch: str = "first") -> None:
        with transaction(self.engine) as cursor:
            cursor.execute(
                "INSERT INTO tenant (tenant_id, name, epoch) VALUES (%s, %s, %s)"
                " ON CONFLICT (tenant_id) DO UPDATE"
                " SET epoch = excluded.epoch, head = 0, floor = 0",
                (tenant_id, f"tenant {tenant_id}", epoch),
            )
            hold_since_ever(cursor)

    def say(self, tenant_id: Id, *messages: Message, publish: bool = True) -> Appended:
        with transaction(self.engine) as cursor:
            appended = append(cursor, tenant_id, messages)
        if publish:
            self.manager.say(tenant_id, *appended, messages)
        return appended

    def know_site(self, tenant_id: int = ACME, site_id: int = 15, name: str = "Depot") -> None:
        """Have the roster know a site, since ever."""
        with transaction(self.engine) as cursor:
            cursor.execute(
                "INSERT INTO site (tenant_id, site_id, name, timezone)"
                " VALUES (%s, %s, %s, 'Europe/Paris')",
                (tenant_id, site_id, name),
            )
            hold_since_ever(cursor)

    def run(self, statement: str, values: dict[str, Any]) -> None:
        with transaction(self.engine) as cursor:
            cursor.execute(statement, values)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as cursor:
            return cursor.execute(statement).fetchall()

    def close(self) -> None:
        self.engine.dispose()


class RunningServer:
    """The application, in this process, on its port."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"

    async def start(self) -> None:
        self.app = app = make_app(self.settings)
        self._runner = Runner(app, shutdown_timeout=1)
        await self._runner.setup()
        self.noc = app[NOC]
        await web.TCPSite(self._runner, "127.0.0.1", self.settings.port).start()
        self._scraped = Runner(scraped_app(app))
        await self._scraped.setup()
        await web.TCPSite(self._scraped, "127.0.0.1", 0).start()
        self.scraped_url = "http://127.0.0.1:{1}".format(*self._scraped.addresses[0])

    def viewers(self) -> list[Viewer]:
        """Who is connected, as the server sees them."""
        return [follower.viewer for follower in self.noc.followers.values()]

    async def stop(self) -> None:
        await self._scraped.cleanup()
        await self._runner.cleanup()


class Watcher:
    """A viewer by python-socketio that keeps every event as (name, payload, offset)."""

    def __init__(self, **options: Any) -> None:
        self.client = socketio.AsyncClient(reconnection=False, **options)
        self.events: list[tuple[str, dict[str, Any], str | None]] = []
        self.refusal: dict[str, Any] | None = None
        self.client.on("*", self._note, namespace=NAMESPACE)
        self.client.on("connect_error", self._refused, namespace=NAMESPACE)

    def _note(self, event: str, payload: dict[str, Any], offset: str | None = None) -> None:
        self.events.append((event, payload, offset))

    def _refused(self, error: dict[str, Any]) -> None:
        self.refusal = error

    async def connect(
        self, server: RunningServer, transports: list[str] | None = None, **auth: Any
    ) -> "Watcher":
        await self.client.connect(
            server.url,
            auth=auth,
            namespaces=[NAMESPACE],
            transports=transports or ["websocket"],
            wait_timeout=DEADLINE,
        )
        return self

    async def ask(self, event: str, data: object = None) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.call(
            event, data, namespace=NAMESPACE, timeout=DEADLINE
        )
        return answer

    def heard(self, name: str) -> list[dict[str, Any]]:
        return [payload for event, payload, _ in self.events if event == name]

    def positions(self) -> list[int]:
        """The positions of the feed's messages, in the order they came."""
        return [
            payload["position"]
            for event, payload, _ in self.events
            if event not in ("snapshot", "resync", "token_expired")
        ]

    async def refused(self) -> dict[str, Any]:
        """Wait for the refusal of what it asked for, and return it."""
        await eventually(lambda: self.refusal is not None, "it was not refused")
        assert self.refusal is not None
        return self.refusal

    async def until(self, event: str, times: int = 1) -> dict[str, Any]:
        await eventually(lambda: len(self.heard(event)) >= times, f"no {event}")
        return self.heard(event)[-1]

    async def until_position(self, position: int) -> None:
        await eventually(
            lambda: position in self.positions(),
            f"position {position} never came: {self.positions()[-3:]}",
        )

    @property
    def offset(self) -> str:
        latest: str = next(offset for _, _, offset in reversed(self.events) if offset)
        return latest

    async def close(self) -> None:
        await self.client.disconnect()


Connect = Callable[..., Awaitable[Watcher]]


def token(
    settings: Settings,
    tenant_id: int = ACME,
    sites: object = "all",
    role: str | None = "viewer",
    **claims: Any,
) -> str:
    payload = {
        "sub": "alice",
        "tenant_id": tenant_id,
        "sites": sites,
        "role": role,
        "exp": time.time() + 3600,
        **claims,
    }
    return mint(settings, {name: value for name, value in payload.items() if value is not None})


def settings_of(environment: dict[str, str], **changes: str) -> Settings:
    return load_settings(environment | changes, tokens=True)
