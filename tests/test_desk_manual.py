"""docs/desk.md prints the table of moves as the code has it."""

import re
from pathlib import Path

from models.alerts.moves import MOVES, STATUSES, SYSTEM

MANUAL = Path(__file__).parent.parent / "docs" / "desk.md"
HEAD = "| move | from | leads to | by | needs |\n| --- | --- | --- | --- | --- |\n"


def rendered() -> str:
    lines = []
    for name, move in MOVES.items():
        sources = "any" if move.sources == frozenset(STATUSES) else ", ".join(status for status in STATUSES if status in move.sources)
        roles = ", ".join(role for role in ("operator", "admin", SYSTEM) if role in move.roles)
        lines.append(f"| {name} | {sources} | {move.to or 'as it is'} | {roles} | {move.needs or ''} |")
    return HEAD + "\n".join(lines) + "\n"


def test_the_manual_prints_the_moves_of_the_code() -> None:
    found = re.search(r"<!-- moves -->\n(.*)<!-- /moves -->", MANUAL.read_text(), re.DOTALL)
    assert found
    assert found[1] == rendered()
