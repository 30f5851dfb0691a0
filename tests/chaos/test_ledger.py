"""A ledger finds out whatever is wrong with what its viewer heard."""

from typing import Any

from tests.chaos.ledger import Ledger, Tally

OWED = {position: {"position": position} for position in range(1, 6)}


def ledger(*entries: Any) -> Ledger:
    """A ledger with these entries: a number is a message at that position, a truth value a
    connection and whether it was recovered, and the rest are (event, payload).
    """
    ledger = Ledger()
    for entry in entries:
        if isinstance(entry, bool):
            ledger.connected(entry)
        elif isinstance(entry, int):
            ledger.heard("anomaly_detected", {"position": entry})
        else:
            ledger.heard(*entry)
    return ledger


START = (False, ("snapshot", {"position": 0}))


def test_all_once_in_order_across_recovered_connections_is_clean() -> None:
    assert ledger(*START, 1, 2, True, 3, 4, 5).tally(OWED) == Tally(owed=5, received=5)


def test_what_came_before_the_first_snapshot_is_not_owed() -> None:
    assert ledger(False, ("snapshot", {"position": 3}), 4, 5).tally(OWED) == Tally(
        owed=2, received=2
    )


def test_missing_repeated_and_disordered_are_told_apart() -> None:
    assert ledger(*START, 1, 3, 2, 3, 5).tally(OWED) == Tally(
        owed=5, received=4, missing=1, repeated=1, out_of_order=1
    )


def test_a_snapshot_where_a_replay_was_owed_counts_as_missing() -> None:
    resynced = ledger(
        *START, 1, False, ("resync", {"reason": "other_history"}), ("snapshot", {"position": 4}), 5
    )
    assert resynced.tally(OWED) == Tally(owed=5, received=2, missing=3, not_recovered=2)


def test_a_resync_that_the_fault_excuses_takes_the_viewer_on_from_its_snapshot() -> None:
    resynced = ledger(
        *START, 1, ("resync", {"reason": "slow_viewer"}), ("snapshot", {"position": 4}), 5
    )
    assert resynced.tally(OWED, frozenset({"slow_viewer"})) == Tally(owed=2, received=2)


def test_what_was_not_owed_and_what_was_altered_is_counted() -> None:
    wrong = ledger(*START, 1, 2, 3, 4, 5, 7)
    wrong.heard("anomaly_detected", {"position": 8})
    owed = OWED | {8: {"position": 8, "site_id": 1}}
    assert wrong.tally(owed) == Tally(owed=6, received=6, not_owed=1, altered=1)
