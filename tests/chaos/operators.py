"""The operators: they work on the queue while everything fails, as people with a good client would.

A move that gets no answer, or `unavailable`, is tried again with the version it was meant for, and
given up after some tries; `conflict` brings the alert as it is now, and is the end of it.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import aiohttp
import socketio.exceptions

from models.vocabulary import VERDICTS
from tests.chaos.deeds import Book, Deed
from tests.chaos.ledger import Payload

TRIES = 5
BREATH = (0.05, 0.35)  # between two deeds, and before another try
FINAL = {"conflict"}
# it may have been done: the answer was late, or the database went away in the commit
UNSURE = {"unavailable"}
WISHES = {"acknowledge": 30, "assign": 20, "escalate": 10, "note": 20, "resolve": 12, "review": 25}

LOST = (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError)


class Line(Protocol):
    """How an operator reaches the servers. Both raise one of LOST where no answer comes."""

    async def ask(self, what: str, data: Payload) -> Payload:
        """The acknowledgement of a move, or of `review`."""

    async def look(self, hear: Callable[[Payload], None]) -> None:
        """Whatever has to be asked for before the queue is known."""


class Operator:
    """`line` is how it reaches the servers, and `share` which of the anomalies are its own to
    review: number so of so many.
    """

    def __init__(
        self, name: str, book: Book, line: Line, chance: random.Random, share: tuple[int, int]
    ) -> None:
        self.name = name
        self.alerts: dict[str, Payload] = {}
        self.anomalies: set[str] = set()
        self._book, self._line, self._chance, self._share = book, line, chance, share
        self._numbers = itertools.count(1)
        self._stopped = False

    def hear(self, payload: Payload) -> None:
        """A message of the feed, a snapshot, or an item of a list."""
        for said in payload.get("recent", [payload]):
            if "alert_id" in said:
                self._take(said)
            elif "anomaly_id" in said:
                self._take_anomaly(said["anomaly_id"])

    async def work(self) -> None:
        while not self._stopped:
            await asyncio.sleep(self._chance.uniform(*BREATH))
            with suppress(*LOST):
                await self._line.look(self.hear)
            (wish,) = self._chance.choices(list(WISHES), list(WISHES.values()))
            if wish == "review":
                await self._review()
            else:
                await self._move(wish)

    def stop(self) -> None:
        self._stopped = True

    def _take(self, alert: Payload) -> None:
        if alert["version"] >= self.alerts.get(alert["alert_id"], alert)["version"]:
            self.alerts[alert["alert_id"]] = alert

    def _take_anomaly(self, anomaly_id: str) -> None:
        """Each of a tenant's operators reviews anomalies of its own, so that nobody comes between
        its tries.
        """
        mine, of = self._share
        if int(anomaly_id.replace("-", ""), 16) % of == mine:
            self.anomalies.add(anomaly_id)

    async def _move(self, move: str) -> None:
        waiting = [alert for alert in self.alerts.values() if alert["status"] != "RESOLVED"]
        if not waiting:
            return
        alert = self._chance.choice(waiting)
        data = {"alert_id": alert["alert_id"], "version": alert["version"], "note": self._note()}
        if move == "assign":
            data["assignee"] = self.name
        deed = self._book.open((alert["alert_id"], self.name, move, data["note"]))
        answer = await self._try(deed, move, data)
        if now := answer.get("alert") or answer.get("error", {}).get("alert"):
            self._take(now)

    async def _review(self) -> None:
        if not self.anomalies:
            return
        anomaly_id = self._chance.choice(sorted(self.anomalies))
        data = {
            "anomaly_id": anomaly_id,
            "verdict": self._chance.choice(VERDICTS),
            "note": self._note(),
        }
        deed = self._book.open((anomaly_id, self.name, "review", data["note"]))
        await self._try(deed, "review", data)

    def _note(self) -> str:
        return f"{self.name} {next(self._numbers)}"

    async def _try(self, deed: Deed, what: str, data: Payload) -> Payload:
        for _ in range(TRIES):
            try:
                answer = await self._line.ask(what, data)
            except LOST:
                deed.open_ends += 1
            else:
                code = answer.get("error", {}).get("code", "")
                if code not in UNSURE:
                    self._settle(deed, answer, code)
                    return answer
                deed.open_ends += 1
            await asyncio.sleep(self._chance.uniform(*BREATH))
        return {}

    def _settle(self, deed: Deed, answer: Payload, code: str) -> None:
        deed.done, deed.refused = not code, code
        if code and (code not in FINAL or "alert" not in answer["error"]):
            self._book.complaints.append(f"{deed.line} was answered with {answer}")
