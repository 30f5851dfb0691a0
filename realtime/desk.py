"""The operators' desk: moves of alerts and reviews of anomalies, by Socket.IO and by REST."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Engine

from models.alerts.move import Actor, Moved, ToPublish, WantedMove, make_moves
from models.alerts.moves import MoveRefused, operator_moves
from models.alerts.review import Verdict, review
from models.emitter import EmitFailed, FeedManager
from models.ids import Id
from models.numbering import find_tenant
from models.texts import is_storable
from models.vocabulary import VERDICTS
from realtime import metrics
from realtime.errors import ClientError
from realtime.tokens import Claims

log = structlog.get_logger()

Written = TypeVar("Written")

# At a time. Each needs one connection of the engine.
THREADS = 4

MOST_NOTE_CHARACTERS = 2_000
MOST_NAME_CHARACTERS = 200
# The move that each event asks for.
EVENTS = {f"alert_{move}": move for move in operator_moves()}


class Desk:
    """Commits what operators do, and then publishes it.

    It does so in a thread that goes on even if whoever asked has gone. The threads and the engine
    are its own: whatever is submitted at the same time, operators need not wait for it.
    """

    def __init__(self, engine: Engine, manager: FeedManager) -> None:
        self._engine = engine
        self._manager = manager
        self._threads = ThreadPoolExecutor(THREADS, "desk")

    async def move(self, claims: Claims, move: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Move one alert, and return it as it is then, under `alert`.

        Raises ClientError, with the alert beside it where its state forbids the move.
        """
        (moved,) = await self.move_all(claims, [read_wanted(move, data)])
        if moved.refused:
            raise refusal(moved)
        return {"alert": moved.alert}

    async def move_all(self, claims: Claims, moves: Sequence[WantedMove]) -> list[Moved]:
        """Make the moves that are allowed, and return what became of each, in the order given."""
        moved = await self._in_thread(self._move_and_say, claims.tenant_id, actor_of(claims), moves)
        for move, outcome in zip(moves, moved, strict=True):
            metrics.moves.labels(move.move, outcome.refused.code if outcome.refused else "ok").inc()
        return moved

    async def review(self, claims: Claims, data: Mapping[str, Any]) -> dict[str, Any]:
        """Review an anomaly, and return it as it is then, under `anomaly`. Raises ClientError."""
        verdict = read_verdict(data)
        try:
            anomaly = await self._in_thread(
                self._review_and_say, claims.tenant_id, actor_of(claims), verdict
            )
        except MoveRefused as refused:
            metrics.moves.labels("review", refused.code).inc()
            raise ClientError(refused.code, refused.message) from None
        metrics.moves.labels("review", "ok").inc()
        return {"anomaly": anomaly}

    async def write(
        self, claims: Claims, write: Callable[[Engine, Id, Actor, Any], Written], what: Any
    ) -> Written:
        """Call `write` with `what` for the token's bearer, and return what it returns."""

        def write_it() -> Written:
            tenant_id = find_tenant(self._engine, claims.tenant_id)
            return write(self._engine, tenant_id, actor_of(claims), what)

        return await self._in_thread(write_it)

    async def close(self) -> None:
        """Finish what has begun, and let go of the threads and of the engine."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    async def _in_thread(self, work: Callable[..., Written], *args: Any) -> Written:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *args)

    def _move_and_say(
        self, tenant_id: Id, actor: Actor, moves: Sequence[WantedMove]
    ) -> list[Moved]:
        tenant_id = find_tenant(self._engine, tenant_id)
        moved, to_publish = make_moves(self._engine, tenant_id, actor, moves)
        self._say(tenant_id, to_publish)
        return moved

    def _review_and_say(self, tenant_id: Id, actor: Actor, verdict: Verdict) -> dict[str, Any]:
        tenant_id = find_tenant(self._engine, tenant_id)
        anomaly, to_publish = review(self._engine, tenant_id, actor, verdict)
        self._say(tenant_id, to_publish)
        return anomaly

    def _say(self, tenant_id: Id, to_publish: ToPublish) -> None:
        if to_publish.appended is None:
            return
        try:
            self._manager.say(tenant_id, *to_publish.appended, to_publish.messages)
        except EmitFailed as error:
            metrics.failed_emits.inc()
            log.warning(
                "emit_failed",
                tenant_id=tenant_id,
                messages=len(to_publish.messages),
                reason=str(error),
            )


def actor_of(claims: Claims) -> Actor:
    return Actor(claims.sub, claims.role or "", claims.sites)


def refusal(moved: Moved) -> ClientError:
    """Return the error that answers a refused move."""
    assert moved.refused is not None
    beside = {"alert": moved.alert} if moved.refused.code == "conflict" else {}
    return ClientError(moved.refused.code, moved.refused.message, **beside)


def read_wanted(move: str, data: Mapping[str, Any]) -> WantedMove:
    """Return the move that a client asks for.

    Raises ClientError `invalid`; `not_found` for an id that none of ours can be.
    """
    version = data.get("version")
    if version is not None and (type(version) is not int or version < 1):
        raise ClientError("invalid", "version must be an integer, that of the alert as you saw it.")
    note = read_text(data, "note", MOST_NOTE_CHARACTERS)
    assignee = read_text(data, "assignee", MOST_NAME_CHARACTERS)
    return WantedMove(read_id(data.get("alert_id"), "alert"), move, note, assignee, version)


def read_verdict(data: Mapping[str, Any]) -> Verdict:
    """Return the verdict that a client gives. Raises ClientError as `read_wanted` does."""
    verdict = data.get("verdict")
    if verdict not in VERDICTS:
        raise ClientError("invalid", f"verdict must be one of {', '.join(VERDICTS)}.")
    note = read_text(data, "note", MOST_NOTE_CHARACTERS)
    return Verdict(read_id(data.get("anomaly_id"), "anomaly"), verdict, note)


def read_id(value: object, what: str) -> UUID:
    """Return the id of a `what`.

    Raises ClientError `invalid` for what is no text, `not_found` for text that is no id of ours.
    """
    if not isinstance(value, str):
        raise ClientError("invalid", f"{what}_id is the id of an {what}, as text.")
    try:
        return UUID(value)
    except ValueError:
        raise ClientError("not_found", f"There is no such {what}.") from None


def read_text(data: Mapping[str, Any], name: str, most: int) -> str | None:
    """Return a text of at most so many characters, trimmed; None where there is none.

    Raises ClientError `invalid`.
    """
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most or not is_storable(value):
        raise ClientError("invalid", f"{name} must be text of at most {most:,} characters.")
    return value.strip() or None
