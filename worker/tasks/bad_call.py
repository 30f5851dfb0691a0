"""Calls that cannot be carried out as they are.

What they brought is kept among the rejected, never dropped with the task.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from models.database import transaction
from models.intake.refused import refuse as refusing
from models.intake.refused.numbering import number_rejections
from models.intake.refused.reasons import Reason, reason
from models.intake.refused.rejection import unreadable
from models.intake.submitter import Submitter
from worker.metrics import REJECTED


class BadCall(Exception):
    """The task was called with arguments it does not have, or without those it needs."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why["code"])
        self.why = why


def arguments(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    needed: Sequence[str],
    optional: Sequence[str] = (),
) -> list[Any]:
    """Return the values of `needed`, then of `optional` (None where absent).

    Raises BadCall where an argument came by position, is unknown, or is missing.
    """
    names = [*needed, *optional]
    listed = ", ".join(names)
    if args:
        text = f"came by position; name every argument: {listed}"
        raise BadCall(reason("positional_argument", "", text))
    if unknown := sorted(str(name) for name in kwargs if name not in names):
        text = f"is no argument of this task; it has {listed}"
        raise BadCall(reason("unknown_argument", unknown[0], text))
    if missing := [name for name in needed if name not in kwargs]:
        raise BadCall(reason("missing", missing[0], "is required; add it"))
    return [kwargs.get(name) for name in names]


def refuse(
    engine: Engine, by: Submitter, args: Sequence[Any], kwargs: Mapping[str, Any], why: Reason
) -> None:
    """Keep what a call brought, and commit.

    Punches are kept one by one, so that each can be resubmitted.
    """
    rejections = number_rejections(
        engine, [unreadable(content, [why]) for content in _contents(args, kwargs)]
    )
    with transaction(engine) as cursor:
        refusing.refuse(
            cursor, rejections, by, datetime.now(UTC), backfill=kwargs.get("backfill") is True
        )
    REJECTED.labels(task=by.door, code=why["code"]).inc(len(rejections))


def _contents(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return what is kept of the call: each punch, or the roster or message, or else all of it."""
    if args:
        return _positional(args, kwargs)
    if isinstance(punches := kwargs.get("punches"), list) and punches:
        return punches
    for name in ("punch", "roster", "message"):
        if name in kwargs:
            return [kwargs[name]]
    return [dict(kwargs)]


def _positional(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return each object that came by position, or the whole call, if anything else came."""
    contents: list[Any] = []
    for argument in args:
        contents += argument if isinstance(argument, list) else [argument]
    are_objects = bool(contents) and all(isinstance(content, dict) for content in contents)
    return (
        contents if are_objects and set(kwargs) <= {"backfill"} else [{"args": [*args], **kwargs}]
    )
