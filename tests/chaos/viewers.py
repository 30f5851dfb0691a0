"""The viewers, of every scope, by the stock client under Node and by python-socketio, each with a
ledger.
"""

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import socketio
import socketio.exceptions

from tests.chaos.ledger import Ledger, Payload
from tests.chaos.proxy import Backstage
from tests.realtime.node import FOLDER

NAMESPACE = "/noc"
RETRY_SECONDS = 0.2


class Scope(NamedTuple):
    """Who a viewer is, and what it asked to hear. It sets its filter `by_event`, or in its auth."""

    tenant_id: int
    sites: str | tuple[int, ...] = "all"
    filter: dict[str, list[Any]] = {}  # noqa: RUF012 - never changed
    by_event: bool = False

    def hears(self, message: "FeedMessage") -> bool:
        """Whether the viewer must hear the message, by the words of the contract alone."""
        sites, types, severities = map(self.filter.get, ("sites", "types", "severities"))
        if self.sites != "all" and message.site_id not in self.sites:
            return False
        if sites and message.site_id not in sites:
            return False
        if types and message.anomaly_type is not None and message.anomaly_type not in types:
            return False
        if severities and message.severity is not None:
            return bool({message.severity, message.prior_severity} & set(severities))
        return True

    def auth(self, token: str) -> dict[str, Any]:
        return {"token": token} | (
            {"filter": self.filter} if self.filter and not self.by_event else {}
        )


class FeedMessage(NamedTuple):
    """A row of the feed, and the payload it must arrive as."""

    position: int
    site_id: int | None
    anomaly_type: str | None
    severity: str | None
    prior_severity: str | None
    payload: Payload


@dataclass(frozen=True, eq=False)
class Viewer:
    name: str
    scope: Scope
    ledger: Ledger


class NodeFleet:
    """Stock clients in one process of Node. They get an address and a token, and nothing is done
    for them afterwards.
    """

    def __init__(
        self, name: str, url: str, scopes: Sequence[tuple[Scope, str]], **options: Any
    ) -> None:
        """Start a client for each scope, with its token."""
        self.viewers = [
            Viewer(f"{name} {number} {scope}", scope, Ledger())
            for number, (scope, _) in enumerate(scopes)
        ]
        clients = [
            {
                "url": url,
                "auth": scope.auth(token),
                "filter": scope.filter if scope.by_event else None,
                "options": options,
            }
            for scope, token in scopes
        ]
        self.process = subprocess.Popen(
            ["node", "fleet.js", json.dumps(clients)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            note = json.loads(line)
            ledger = self.viewers[note["viewer"]].ledger
            if "event" in note:
                ledger.heard(note["event"], note["payload"])
            elif "connect" in note:
                ledger.connected(note["connect"]["recovered"])
            elif "ready" in note:
                ledger.ready = True
            else:
                ledger.trouble.append(note)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reading.join()


class PythonFleet:
    """Clients of python-socketio, which keeps no state for recovery: they ask for it by
    `auth.offset`, from what they have heard.
    """

    def __init__(
        self,
        backstage: Backstage,
        name: str,
        url: str,
        scopes: Sequence[tuple[Scope, str]],
        transports: list[str],
    ) -> None:
        self.viewers = [
            Viewer(f"{name} {number} {scope}", scope, Ledger())
            for number, (scope, _) in enumerate(scopes)
        ]
        self._backstage = backstage
        tokens = [token for _, token in scopes]
        self._clients = [
            PythonClient(viewer, token) for viewer, token in zip(self.viewers, tokens, strict=True)
        ]
        for client in self._clients:
            backstage.run(client.connect(url, transports))

    def signal(self, number: signal.Signals) -> None:
        raise NotImplementedError("these clients are in the process of the test")

    def close(self) -> None:
        for client in self._clients:
            self._backstage.run(client.close())


class PythonClient:
    """A client of python-socketio. `also` is called with whatever the viewer hears."""

    def __init__(self, viewer: Viewer, token: str) -> None:
        self.viewer = viewer
        self.also: Callable[[Payload], None] = lambda _payload: None
        self._token = token
        self._offset: str | None = None

    async def connect(self, url: str, transports: list[str]) -> None:
        self._client = socketio.AsyncClient(
            reconnection_delay=RETRY_SECONDS, reconnection_delay_max=1
        )
        self._client.on("*", self._heard, namespace=NAMESPACE)
        self._client.on("connect", self._connected, namespace=NAMESPACE)
        await self._client.connect(
            url, auth=self._auth, namespaces=[NAMESPACE], transports=transports, wait_timeout=20
        )

    def _auth(self) -> dict[str, Any]:
        return self.viewer.scope.auth(self._token) | (
            {"offset": self._offset} if self._offset else {}
        )

    def _connected(self) -> None:
        self.viewer.ledger.connected(None)

    def _heard(self, event: str, payload: Payload, offset: str | None = None) -> None:
        self.viewer.ledger.heard(event, payload)
        self._offset = offset or self._offset
        self.viewer.ledger.ready |= event == "snapshot"
        self.also(payload)

    async def ask(self, event: str, data: Payload, seconds: float) -> Payload:
        """Emit the event; return its acknowledgement. Raises SocketIOError or TimeoutError where
        none comes.
        """
        answer: Payload = await self._client.call(event, data, namespace=NAMESPACE, timeout=seconds)
        return answer

    async def close(self) -> None:
        with suppress(socketio.exceptions.SocketIOError, asyncio.TimeoutError):
            await self._client.shutdown()


Fleet = NodeFleet | PythonFleet
