"""The next run goes on where the last one stopped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dev.demo import progress

NOW = datetime(2026, 3, 18, 12, 34, 56, tzinfo=UTC)


def test_a_first_run_begins_twelve_days_back(tmp_path: Path) -> None:
    state = progress.read(tmp_path, NOW)
    assert state.edition == 0
    assert timedelta(days=12) <= NOW - state.clock < timedelta(days=13)
    assert not state.has_run()


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    state = progress.first_edition(NOW)._replace(clock=NOW - timedelta(days=3))
    progress.keep(tmp_path, state)
    assert progress.read(tmp_path, NOW) == state
    assert state.has_run()


def test_after_a_long_pause_the_same_people_go_on_twelve_days_back(tmp_path: Path) -> None:
    progress.keep(tmp_path, progress.first_edition(NOW))
    later = progress.read(tmp_path, NOW + timedelta(days=30))
    assert later.edition == 0
    assert NOW + timedelta(days=17) <= later.clock <= NOW + timedelta(days=18)


def test_an_edition_is_over_before_it_catches_up_and_the_next_has_other_people() -> None:
    state = progress.first_edition(NOW)._replace(clock=NOW - timedelta(hours=5))
    assert progress.is_over(state, NOW)
    following = progress.next_edition(state, NOW)
    assert following.edition == 1
    assert not progress.is_over(following, NOW)
