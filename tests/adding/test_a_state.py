"""A further state of an alert is one line of the vocabulary and one of the table of moves."""

from pathlib import Path

from tests.adding.copy import Copy

LINE = '    "PARKED": AlertState("Parked", waits_for_somebody=True, is_taken_up=True),'
MOVE = '    "park": Move(frozenset(WAITING), "PARKED", OPERATORS),'
PROBE = Path(__file__).with_name("probe_state.py")


def test_a_further_state_is_two_edits(tmp_path: Path, servers: dict[str, str]) -> None:
    copy = Copy(tmp_path / "checkout")
    copy.add_line("models/vocabulary.py", LINE, after='    "SUPPRESSED":')
    copy.add_line("models/alerts/moves.py", MOVE, after='    "resolve":')
    copy.write("tests/realtime/http/test_parked.py", PROBE.read_text())
    copy.test(
        "tests/models/test_vocabulary.py",
        "tests/realtime/http/test_parked.py",
        environment=servers,
    )
