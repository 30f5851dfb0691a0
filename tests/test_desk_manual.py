"""docs/desk.md prints the table of moves as the code has it."""

import re
from pathlib import Path

from models.alerts.moves import MOVES, SYSTEM
from models.vocabulary import ALERT_STATES, ROLES

MANUAL = Path(__file__).parent.parent / "docs" / "desk.md"
HEAD = "| move | from | leads to | by | needs |\n| --- | --- | --- | --- | --- |\n"


def rendered() -> str:
    lines = []
    for name, move in MOVES.items():
        sources = [status for status in ALERT_STATES if status in move.sources]
        states = "any" if len(sources) == len(ALERT_STATES) else ", ".join(sources)
        roles = ", ".join(role for role in (*ROLES, SYSTEM) if role in move.roles)
        lines.append(
            f"| {name} | {states} | {move.to or 'as it is'} | {roles} | {move.needs or ''} |"
        )
    return HEAD + "\n".join(lines) + "\n"


def test_the_manual_prints_the_moves_of_the_code() -> None:
    table = re.search(r"<!-- moves -->\n(.*)<!-- /moves -->", MANUAL.read_text(), re.DOTALL)
    assert table
    assert table[1] == rendered()
