"""The vocabulary and the operators' moves as a module of the page: /dashboard/words.js."""

import orjson
from aiohttp import web

from models.alerts.moves import MOVES, operator_moves
from models.vocabulary import (
    ALERT_STATES,
    ANOMALY_STATES,
    OPEN,
    OPERATORS,
    SEVERITIES,
    TITLES,
    VERDICTS,
    WAITING,
)

NAME = "words.js"


def script() -> str:
    """Return the module: each name is a constant of the page, in the order that people read."""
    words = {
        "SEVERITIES": SEVERITIES[::-1],
        "TYPE_TITLES": TITLES,
        "STATUS_TITLES": {
            **{name: state.title for name, state in ANOMALY_STATES.items()},
            **{name: state.title for name, state in ALERT_STATES.items()},
        },
        "VERDICTS": VERDICTS,
        "OPEN": OPEN,
        "WAITING": WAITING,
        "MOVES": {move: _sources(move) for move in operator_moves()},
        "OPERATORS": sorted(OPERATORS),
    }
    return "".join(
        f"export const {name} = {orjson.dumps(value).decode()};\n" for name, value in words.items()
    )


def _sources(move: str) -> list[str]:
    return [status for status in ALERT_STATES if status in MOVES[move].sources]


def answer() -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(
        text=script(), content_type="text/javascript", charset="utf-8", headers=headers
    )
