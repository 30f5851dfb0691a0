"""The page's module of words: made of the vocabulary and the table of moves, and all that the page
asks of it.
"""

import json
import re

from models.alerts.moves import MOVES, operator_moves
from models.vocabulary import ALERT_STATES, ANOMALY_STATES, OPERATORS, SEVERITIES, TITLES
from realtime.http.console import FOLDER
from realtime.http.words import NAME, script
from tests.realtime.http.conftest import Caller

EXPORTED = re.compile(r"^export const (\w+) = (.*);$", re.MULTILINE)
IMPORTED = re.compile(rf'import \{{([^}}]*)\}} from "/dashboard/{NAME}"')


def exported() -> dict[str, object]:
    return {name: json.loads(value) for name, value in EXPORTED.findall(script())}


def test_it_says_what_the_vocabulary_and_the_table_say() -> None:
    words = exported()
    assert words["SEVERITIES"] == list(reversed(SEVERITIES))
    assert words["TYPE_TITLES"] == TITLES
    anomalies = {name: state.title for name, state in ANOMALY_STATES.items()}
    alerts = {name: state.title for name, state in ALERT_STATES.items()}
    assert words["STATUS_TITLES"] == anomalies | alerts
    assert words["OPERATORS"] == sorted(OPERATORS)
    moves = words["MOVES"]
    assert isinstance(moves, dict)
    assert {move: frozenset(sources) for move, sources in moves.items()} == {
        move: MOVES[move].sources for move in operator_moves()
    }


def test_the_page_imports_what_is_there_and_leaves_nothing() -> None:
    imported = [
        names for path in FOLDER.glob("*.js") for names in IMPORTED.findall(path.read_text())
    ]
    assert {name.strip() for names in imported for name in names.split(",")} == exported().keys()


async def test_it_is_served_as_a_script_beside_the_pages_files(caller: Caller) -> None:
    response = await caller.get(f"/dashboard/{NAME}", anonymous=True)
    assert (response.status, response.headers["Content-Type"]) == (
        200,
        "text/javascript; charset=utf-8",
    )
    assert response.headers["Cache-Control"] == "no-cache"
    assert await response.text() == script()
