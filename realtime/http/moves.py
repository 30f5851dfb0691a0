"""Moves of alerts by REST: one, or the same of up to 500 at once."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, cast

from aiohttp import web
from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from models.alerts.move import Moved, WantedMove
from models.alerts.moves import operator_moves
from realtime.desk import MOST_NAME_CHARACTERS, MOST_NOTE_CHARACTERS, read_wanted, refusal
from realtime.errors import ClientError
from realtime.http.alert_item import AlertItem
from realtime.http.alerts import PATH
from realtime.http.body import read_object
from realtime.http.context import CONTEXT, operator
from realtime.http.endpoint import Answer, Body, endpoint
from realtime.http.fields import UuidText
from realtime.http.refusals import Code

MOST_AT_ONCE = 500
WRONG_IDS = (
    f"alert_ids must be a list of 1 to {MOST_AT_ONCE} ids; versions, if any, an object of them."
)
Read = WantedMove | ClientError

Version = Annotated[int, Field(ge=1)]
Versions = dict[str, Version | None]


class _MoveBody(TypedDict):
    note: NotRequired[Annotated[str, Field(max_length=MOST_NOTE_CHARACTERS)] | None]
    assignee: NotRequired[Annotated[str, Field(max_length=MOST_NAME_CHARACTERS)] | None]


class MoveBody(_MoveBody):
    version: NotRequired[Annotated[Version | None, Field(description="Of what was seen.")]]


class MovesBody(_MoveBody):
    alert_ids: Annotated[list[UuidText], Field(min_length=1, max_length=MOST_AT_ONCE)]
    versions: NotRequired[Annotated[Versions | None, Field(description="By the alert's id.")]]


class MovedAlert(TypedDict):
    alert: AlertItem


class MoveRefusal(TypedDict):
    """Why an alert was not moved; with `conflict`, the alert as it is now."""

    code: Code
    message: str
    alert: NotRequired[AlertItem]


class MoveMade(TypedDict):
    alert_id: str
    ok: Literal[True]
    alert: AlertItem


class MoveNotMade(TypedDict):
    alert_id: Annotated[str, Field(description="As it was given.")]
    ok: Literal[False]
    error: MoveRefusal


MoveResult = TypeAliasType("MoveResult", MoveMade | MoveNotMade)


class MoveResults(TypedDict):
    results: list[MoveResult]


class MoveConflict(TypedDict):
    error: MoveRefusal


async def move_one(request: web.Request) -> MovedAlert:
    claims = await operator(request)
    data = {**await read_object(request, claims), "alert_id": request.match_info["alert_id"]}
    moved = await request.app[CONTEXT].desk.move(claims, request.match_info["move"], data)
    return cast(MovedAlert, moved)


async def move_many(request: web.Request) -> MoveResults:
    """Make the same move of each alert: those that are allowed commit together.

    An id that is none of ours is not found, like an alert that is not there; the others are moved.
    """
    claims = await operator(request)
    body = await read_object(request, claims)
    ids, moves = _read_moves(request.path.rpartition("/")[2], body)
    possible = [move for move in moves if isinstance(move, WantedMove)]
    moved = iter(await request.app[CONTEXT].desk.move_all(claims, possible))
    outcomes = [next(moved) if isinstance(move, WantedMove) else move for move in moves]
    pairs = zip(ids, outcomes, strict=True)
    return {"results": [_result(alert_id, outcome) for alert_id, outcome in pairs]}


def _read_moves(move: str, body: Mapping[str, Any]) -> tuple[list[Any], list[Read]]:
    """Return the ids as they were given, and the move of each, or why there can be none.

    Raises ClientError `invalid`.
    """
    ids, versions = body.get("alert_ids"), body.get("versions") or {}
    if not isinstance(ids, list) or not isinstance(versions, dict):
        raise ClientError("invalid", WRONG_IDS)
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise ClientError("invalid", WRONG_IDS)
    keys = ({"alert_id": alert_id, "version": versions.get(str(alert_id))} for alert_id in ids)
    return ids, [_read_move(move, {**body, **key}) for key in keys]


def _read_move(move: str, data: Mapping[str, Any]) -> Read:
    try:
        return read_wanted(move, data)
    except ClientError as error:
        if error.code != "not_found":
            raise
        return error


def _result(alert_id: str, outcome: Moved | ClientError) -> MoveResult:
    if isinstance(outcome, Moved):
        if not outcome.refused:
            return {"alert_id": alert_id, "ok": True, "alert": cast(AlertItem, outcome.alert)}
        outcome = refusal(outcome)
    error = cast(MoveRefusal, outcome.as_object())
    return {"alert_id": alert_id, "ok": False, "error": error}


ENDPOINTS = (
    endpoint(
        "POST",
        f"{PATH}/{{alert_id}}/{{move}}",
        move_one,
        "Move an alert (role operator)",
        "The alert as it is now.",
        takes=Body(MoveBody, needed=False),
        refuses=("invalid", "not_found"),
        choices={"move": operator_moves()},
        also={409: Answer("Its state forbids it, or it has changed (conflict).", MoveConflict)},
    ),
    *(
        endpoint(
            "POST",
            f"{PATH}/{move}",
            move_many,
            f"The move {move} of up to {MOST_AT_ONCE} alerts (role operator)",
            "What became of each, in the order given.",
            takes=Body(MovesBody),
            refuses=("invalid",),
        )
        for move in operator_moves()
    ),
)
