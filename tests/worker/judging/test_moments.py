"""Moments come in time after any idleness, and a tenant without any costs nothing meanwhile.

The clock is simulated, and only tenants that are due are swept. No recheck helps them here.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

import worker.alerts.escalation
import worker.judging.judge
import worker.judging.moments
import worker.judging.sweep
from models import intake
from models.alerts.calendar import extend_due
from models.database import make_engine, transaction
from models.due import CHORES, enrol
from tests.end_to_end.simulated_clock import SimulatedClock
from tests.models.intake.statements import counted
from tests.worker.cast import punch, roster, rows
from tests.worker.conftest import Heard
from worker.alerts.escalation import keep_alerts, tenants_due
from worker.judging.judge import judge
from worker.judging.sweep import judge_moments, tenants_left, tenants_unswept
from worker.retention import prune

# All of it lies in the past, as punches may not lie in the future.
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=12)
STEP = timedelta(hours=1)
YEARS = (timedelta(days=400), timedelta(days=800))
MONTH = timedelta(days=30)


class Upkeep:
    """Acme on a simulated clock. Counts its sweeps."""

    def __init__(self, engine: Engine, clock: SimulatedClock) -> None:
        self.engine, self.clock = engine, clock
        self.now = START
        self.sweeps = 0
        clock.set(START)
        intake.sync_roster(engine, roster(1))
        rows(engine, "UPDATE tenant SET swept_at = %s RETURNING 1", START)
        rows(engine, "UPDATE due SET at = %s RETURNING 1", START)
        self.punch("the site reports", person_id=9, hours=-72)

    def at(self, hours: float) -> str:
        return (START + timedelta(hours=hours)).isoformat()

    def shift(self, starts: float, ends: float, **more: Any) -> None:
        """Plan a shift of person 1 at site 15, in hours from the start."""
        times = {"starts_at": self.at(starts), "ends_at": self.at(ends)}
        shift = {"shift_id": "s1", "person_id": 1, "site_id": 15, "substitutes": [], **times}
        self.sync(shifts=[shift | more])

    def sync(self, **sections: Any) -> None:
        intake.sync_roster(self.engine, {"tenant": {"tenant_id": 1}} | sections)
        judge(self.engine, 1, Heard())

    def punch(self, name: str, *, hours: float, **fields: Any) -> None:
        intake.submit(self.engine, [punch(name, occurred_at=self.at(hours), **fields)])
        judge(self.engine, 1, Heard())

    def go(self, hours: float, step: timedelta = STEP) -> None:
        """Let time pass up to so many hours from the start, with upkeep at each step."""
        while self.now < START + timedelta(hours=hours):
            self.now = min(self.now + step, START + timedelta(hours=hours))
            self.clock.set(self.now)
            self.cycle()

    def cycle(self) -> None:
        with transaction(self.engine) as cursor:
            unswept, due = tenants_unswept(cursor, timedelta(0)), tenants_due(cursor)
        for tenant_id in unswept:
            self.sweeps += 1
            judge_moments(self.engine, tenant_id, Heard())
        for due_tenant in due:
            keep_alerts(self.engine, due_tenant, Heard())

    def standing(self) -> set[str]:
        found = rows(self.engine, "SELECT reason FROM anomaly WHERE tenant_id = 1 AND standing")
        return {reason for (reason,) in found}


@pytest.fixture
def acme(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upkeep]:
    clock = SimulatedClock(postgres_url)
    engine = make_engine(postgres_url)
    monkeypatch.setattr(worker.judging.moments, "RECHECK", YEARS)
    upkeep = Upkeep(engine, clock)
    upkeep.go(1)
    upkeep.sweeps = 0
    yield upkeep
    engine.dispose()
    clock.close()


def expect(acme: Upkeep, moment: float, before: set[str], after: set[str]) -> None:
    """Check what stands just before a moment, in hours from the start, and just after it."""
    acme.go(moment - 0.01)
    assert acme.standing() == before
    acme.go(moment + 0.2)
    assert acme.standing() == after


def planned(acme: Upkeep) -> None:
    acme.shift(60, 68)
    expect(acme, 60.5, set(), {"no_show"})


def planned_and_swept_at_the_very_moment(acme: Upkeep) -> None:
    acme.shift(60, 68)
    acme.go(60.5)
    acme.go(60.7)
    assert acme.standing() == {"no_show"}


def came_and_stayed(acme: Upkeep) -> None:
    acme.punch("in", hours=1)
    expect(acme, 17, set(), {"still_working"})


def came_to_a_shift_and_stayed(acme: Upkeep) -> None:
    acme.shift(2, 10)
    acme.go(2)
    acme.punch("in", hours=2)
    expect(acme, 16, set(), {"missing_check_out"})


def left_early(acme: Upkeep) -> None:
    acme.shift(2, 10)
    acme.go(4)
    acme.punch("in", hours=2)
    acme.punch("out", hours=4, kind="check_out")
    expect(acme, 10, {"post_empty"}, {"left_early"})


def policy_of_less_patience(acme: Upkeep) -> None:
    acme.shift(40, 48)
    acme.go(39)
    policy = {"no_show_after_minutes": 10}
    acme.sync(sites=[{"site_id": 15, "policy": policy, "effective_from": acme.now.isoformat()}])
    expect(acme, 40 + 10 / 60, set(), {"no_show"})


def moved_nearer(acme: Upkeep) -> None:
    acme.shift(90, 98)
    acme.go(30)
    acme.shift(40, 48)
    expect(acme, 40.5, set(), {"no_show"})


def check_in_voided(acme: Upkeep) -> None:
    acme.shift(40, 48)
    acme.go(40)
    acme.punch("in", hours=40)
    acme.go(40.2)
    intake.void(acme.engine, 1, "in", "It was a test.")
    judge(acme.engine, 1, Heard())
    expect(acme, 40.5, set(), {"no_show"})


def moments_of_days_without_upkeep(acme: Upkeep) -> None:
    acme.shift(30, 38)
    acme.punch("in", person_id=2, hours=1)
    acme.go(100, step=timedelta(hours=99))
    assert acme.standing() == {"no_show"}  # the check-in counts as forgotten by now
    said = rows(acme.engine, "SELECT DISTINCT reason FROM anomaly WHERE tenant_id = 1")
    assert ("no_show",) in said


def a_third_who_is_not_heard_of(acme: Upkeep) -> None:
    for person_id, starts in ((1, 40), (2, 40), (3, 41)):
        times = {"starts_at": acme.at(starts), "ends_at": acme.at(starts + 8)}
        acme.shift(0, 0, shift_id=f"s{person_id}", person_id=person_id, **times)
    expect(acme, 41.5, {"no_show"}, {"no_show_unheard"})


def left_the_post(acme: Upkeep) -> None:
    acme.shift(2, 12)
    acme.punch("in", hours=2)
    acme.go(4)
    acme.punch("out", hours=4, kind="check_out")
    acme.go(5.5)
    assert acme.standing() == set()
    acme.go(5.5 + 1 / 60)  # told within a minute
    assert acme.standing() == {"post_empty"}
    expect(acme, 12, {"post_empty"}, {"left_early"})


def left_the_post_by_coming_elsewhere(acme: Upkeep) -> None:
    acme.shift(2, 12)
    acme.punch("in", hours=2)
    acme.go(4)
    acme.punch("elsewhere", hours=4, site_id=16)
    before = acme.standing()
    expect(acme, 5.5, before, before | {"post_empty"})


def left_before_the_shift_began(acme: Upkeep) -> None:
    acme.shift(3, 12)
    acme.punch("in", hours=2.2)
    acme.punch("out", hours=2.4, kind="check_out")
    acme.go(3)
    before = acme.standing()
    expect(acme, 4.5, before, before | {"post_empty"})


def relieved_until_the_shift_of_the_other_was_over(acme: Upkeep) -> None:
    acme.shift(2, 12)
    relief = {"starts_at": acme.at(2), "ends_at": acme.at(6)}
    acme.shift(0, 0, shift_id="s2", person_id=2, **relief)
    acme.punch("in", hours=2)
    acme.punch("relief", hours=2, person_id=2)
    acme.punch("out", hours=3, kind="check_out")
    acme.go(6)
    before = acme.standing()
    expect(acme, 7.5, before, before | {"post_empty"})
    acme.punch("back", hours=7.7)
    assert acme.standing() == before


def believed_no_longer(acme: Upkeep) -> None:
    acme.sync(tenant={"tenant_id": 1, "policy": {"max_work_hours": 2}, "correction": True})
    acme.shift(2, 14)
    acme.punch("in", hours=2)
    acme.go(4.2)
    acme.punch("elsewhere", hours=4.2, site_id=16)
    before = acme.standing()
    expect(acme, 5.5, before, before | {"post_empty"})


def ahead_of_our_clock(acme: Upkeep) -> None:
    acme.punch("in", hours=20)
    expect(acme, 36, set(), {"still_working"})


STORIES = (
    planned,
    planned_and_swept_at_the_very_moment,
    came_and_stayed,
    came_to_a_shift_and_stayed,
    left_early,
    policy_of_less_patience,
    moved_nearer,
    check_in_voided,
    moments_of_days_without_upkeep,
    a_third_who_is_not_heard_of,
    left_the_post,
    left_the_post_by_coming_elsewhere,
    left_before_the_shift_began,
    relieved_until_the_shift_of_the_other_was_over,
    believed_no_longer,
    ahead_of_our_clock,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_moment_comes_in_time(acme: Upkeep, story: Callable[[Upkeep], None]) -> None:
    story(acme)


def test_an_alert_escalates_after_days_of_idleness(acme: Upkeep) -> None:
    acme.shift(60, 68)
    acme.go(60.7)
    ((escalates_at,),) = rows(acme.engine, "SELECT escalates_at FROM alert")
    hours = (escalates_at - START) / timedelta(hours=1)
    acme.go(hours - 0.01)
    assert rows(acme.engine, "SELECT status FROM alert") == [("NEW",)]
    acme.go(hours + 0.2)
    assert rows(acme.engine, "SELECT status FROM alert") == [("ESCALATED",)]


def test_nobody_is_swept_before_a_moment_comes(acme: Upkeep) -> None:
    acme.shift(60, 68)
    acme.go(59)
    # One for what was judged of the roster and the punch, and each of the punch's own moments.
    assert acme.sweeps <= 4
    acme.sweeps = 0
    acme.go(69)
    assert 1 <= acme.sweeps <= 6


def test_without_anything_to_come_a_tenant_is_looked_at_again_now_and_then(
    acme: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.go(30)
    recheck = (timedelta(hours=2), timedelta(hours=4))
    monkeypatch.setattr(worker.judging.moments, "RECHECK", recheck)
    rows(acme.engine, "UPDATE due SET at = %s WHERE chore = 'sweep' RETURNING 1", acme.now)
    acme.sweeps = 0
    # A shift of which nobody has told: it was judged by a worker that knew of no moments.
    acme.shift(40, 48)
    rows(acme.engine, "UPDATE due SET at = %s RETURNING 1", acme.now + recheck[1])
    acme.go(46)
    assert acme.standing() == {"no_show"}
    assert acme.sweeps <= 2 + 16 / 2


# Idle tenants, by the real clock.


def settle(engine: Engine, count: int) -> None:
    """Have `count` tenants with a site each, of which nothing is due any more."""
    with transaction(engine) as cursor:
        cursor.execute(
            """
            INSERT INTO tenant (tenant_id, name, epoch)
            SELECT 100 + n, 'Idle', 'e' FROM generate_series(1, %(count)s) AS n
            """,
            {"count": count},
        )
        cursor.execute(
            """
            INSERT INTO site (tenant_id, site_id, name, timezone)
            SELECT 100 + n, 1, 'Site', 'UTC' FROM generate_series(1, %(count)s) AS n
            """,
            {"count": count},
        )
        assert enrol(cursor) == count * len(CHORES)
        assert enrol(cursor) == 0
        cursor.execute("SELECT tenant_id FROM tenant")
        tenants = [tenant_id for (tenant_id,) in cursor]
    for tenant_id in tenants:
        judge(engine, tenant_id, Heard())
        judge_moments(engine, tenant_id, Heard())
    prune(engine, MONTH)


def cycle(engine: Engine) -> list[str]:
    """Return the statements of one round of all upkeep, by whichever time."""
    with counted() as statements:
        with transaction(engine) as cursor:
            cursor.execute("UPDATE tenant SET swept_at = swept_at - interval '1 hour'")
            assert tenants_unswept(cursor, timedelta(0)) == []
            assert tenants_due(cursor) == []
            assert tenants_left(cursor) == {}
        extend_due(engine)
        prune(engine, MONTH)
    return statements


def test_idle_tenants_take_no_statement(engine: Engine) -> None:
    settle(engine, 1)
    few = cycle(engine)
    rows(engine, "DELETE FROM tenant WHERE tenant_id > 100 RETURNING 1")
    rows(engine, "DELETE FROM site WHERE tenant_id > 100 RETURNING 1")
    rows(engine, "DELETE FROM due WHERE tenant_id > 100 RETURNING 1")
    settle(engine, 60)
    assert cycle(engine) == few


def test_a_sweep_in_which_no_moment_came_loads_no_window(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(engine, 0)
    rows(engine, "UPDATE tenant SET swept_at = swept_at - interval '3 days' RETURNING 1")
    monkeypatch.setattr(worker.judging.judge, "load", None)
    judge_moments(engine, 1, Heard())
    ((age,),) = rows(engine, "SELECT now() - swept_at FROM tenant WHERE tenant_id = 1")
    assert age < timedelta(hours=1)


@pytest.mark.parametrize(
    ("sql", "values", "indexes"),
    [
        (worker.judging.sweep._UNSWEPT, (timedelta(0),), {"ix_due_at": "at"}),
        (
            worker.alerts.escalation._TENANTS,
            (),
            {
                "ix_alert_escalates": "escalates_at",
                "ix_alert_relapses": "relapses_at",
                "ix_alert_quiet": "quiet_until",
            },
        ),
    ],
    ids=["sweeps", "alerts"],
)
def test_what_is_due_is_found_by_its_moment(
    engine: Engine, sql: str, values: tuple[Any, ...], indexes: dict[str, str]
) -> None:
    with transaction(engine) as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = [line for (line,) in cursor.execute(f"EXPLAIN {sql}", values)]
    for index, column in indexes.items():
        (place,) = [number for number, line in enumerate(plan) if index in line]
        assert "Index Cond" in plan[place + 1], plan
        assert f"{column} <= statement_timestamp()" in plan[place + 1], plan
