"""Calls that cannot be carried out as they are: what they brought is kept among the rejected, never
dropped with the task.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from models.database import transaction
from models.intake.refused import refuse as refusing
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
    """The values of `needed`, then of `optional` (None where absent). Raises BadCall; every
    argument is a keyword.
    """
    known = [*needed, *optional]
    if args:
        raise BadCall(
            reason(
                "positional_argument",
                "",
                f"came by position; name every argument: {', '.join(known)}",
            )
        )
    if unknown := sorted(str(name) for name in kwargs if name not in known):
        raise BadCall(
            reason(
                "unknown_argument",
                unknown[0],
                f"is no argument of this task; it has {', '.join(known)}",
            )
        )
    if missing := [name for name in needed if name not in kwargs]:
        raise BadCall(reason("missing", missing[0], "is required; add it"))
    return [kwargs.get(name) for name in known]


def refuse(
    engine: Engine, by: Submitter, args: Sequence[Any], kwargs: Mapping[str, Any], why: Reason
) -> None:
    """Keep what a call brought, and commit. Punches are kept one by one, so that each can be
    resubmitted.
    """
    rejections = [unreadable(content, [why]) for content in _contents(args, kwargs)]
    with transaction(engine) as cursor:
        refusing.refuse(
            cursor, rejections, by, datetime.now(UTC), backfill=kwargs.get("backfill") is True
        )
    REJECTED.labels(task=by.door, code=why["code"]).inc(len(rejections))


def _contents(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    if args:
        named = [
            content
            for argument in args
            for content in (argument if isinstance(argument, list) else [argument])
        ]
        readable = (
            named
            and set(kwargs) <= {"backfill"}
            and all(isinstance(content, dict) for content in named)
        )
        return named if readable else [{"args": list(args), **kwargs}]
    if isinstance(kwargs.get("punches"), list) and kwargs["punches"]:
        return kwargs["punches"]
    for name in ("punch", "roster", "message"):
        if name in kwargs:
            return [kwargs[name]]
    return [dict(kwargs)]
