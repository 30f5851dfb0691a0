"""The operators work on the queue while everything fails, as people with a good client would.

A move that gets no answer, or `unavailable`, is tried again with the version it was meant for, and
given up after some tries. A `conflict` brings the alert as it is now, and ends the move.
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
PAUSE_SECONDS = (0.05, 0.35)  # at least and at most, between two deeds and before another try
FINAL_CODES = {"conflict"}
# The move may have been done: the answer was late, or the database went away in the commit.
UNSURE_CODES = {"unavailable"}
# How often each move is chosen, against the others.
WEIGHTS = {"acknowledge": 30, "assign": 20, "escalate": 10, "note": 20, "resolve": 12, "review": 25}

NO_ANSWER = (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError)


class Access(Protocol):
    """How an operator reaches the servers. Both methods raise one of NO_ANSWER where none comes."""

    async def ask(self, move: str, data: Payload) -> Payload:
        """Ask for a move, or for `review`; return the acknowledgement."""

    async def look(self, hear: Callable[[Payload], None]) -> None:
        """Read the queue, where it is not heard from the feed."""


class Operator:
    """An operator, who reviews a `share` of the anomalies: (number, of how many operators)."""

    def __init__(
        self, name: str, book: Book, access: Access, chance: random.Random, share: tuple[int, int]
    ) -> None:
        self.name = name
        self.alerts: dict[str, Payload] = {}
        self.anomalies: set[str] = set()
        self._book, self._access, self._chance, self._share = book, access, chance, share
        self._numbers = itertools.count(1)
        self._stopped = False

    def hear(self, payload: Payload) -> None:
        """Take note of a message of the feed, a snapshot, or an item of a list."""
        for item in payload.get("recent", [payload]):
            if "alert_id" in item:
                self._take(item)
            elif "anomaly_id" in item:
                self._take_anomaly(item["anomaly_id"])

    async def work(self) -> None:
        while not self._stopped:
            await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))
            with suppress(*NO_ANSWER):
                await self._access.look(self.hear)
            (move,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            if move == "review":
                await self._review()
            else:
                await self._move(move)

    def stop(self) -> None:
        self._stopped = True

    def _take(self, alert: Payload) -> None:
        if alert["version"] >= self.alerts.get(alert["alert_id"], alert)["version"]:
            self.alerts[alert["alert_id"]] = alert

    def _take_anomaly(self, anomaly_id: str) -> None:
        """Remember the anomaly if it is in the operator's share: each of a tenant's operators
        reviews anomalies of its own, so that nobody comes between its tries.
        """
        number, operators = self._share
        if int(anomaly_id.replace("-", ""), 16) % operators == number:
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
        if alert_now := answer.get("alert") or answer.get("error", {}).get("alert"):
            self._take(alert_now)

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

    async def _try(self, deed: Deed, move: str, data: Payload) -> Payload:
        """Ask for the move until it is settled; return the answer, {} where there was none."""
        for _ in range(TRIES):
            try:
                answer = await self._access.ask(move, data)
            except NO_ANSWER:
                deed.open_ends += 1
            else:
                code = answer.get("error", {}).get("code", "")
                if code not in UNSURE_CODES:
                    self._settle(deed, answer, code)
                    return answer
                deed.open_ends += 1
            await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))
        return {}

    def _settle(self, deed: Deed, answer: Payload, code: str) -> None:
        deed.done, deed.refused = not code, code
        if code and (code not in FINAL_CODES or "alert" not in answer["error"]):
            self._book.complaints.append(f"{deed.line} was answered with {answer}")
