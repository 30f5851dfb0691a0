"""After eight honest days the roster changes: nothing of them is accused, and what follows is.

The cases are those of the definitions: a leaver, a phone handed on, a site that moved, an
assignment that ended, shifts that were purged, a stricter threshold.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from tests.worker.cast import rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge

OFFICE, DEPOT = 15, 16
ADA, BEN, CLEO = 1, 2, 3
PLACE = {"latitude": 52.5, "longitude": 13.4, "radius_m": 100.0}
NEARBY = {"latitude": 52.5002, "longitude": 13.4, "accuracy_m": 5.0}  # 22 m away
PHONE = {"device_id": "phone"}
# The days are counted from half a day ago, so that it is noon whenever the tests run.
MIDNIGHT = datetime.now(UTC) - timedelta(hours=12)
DAYS_AGO = range(10, 2, -1)

Standing = set[tuple[str, str]]  # the id of a punch or shift, and the reason that stands on it


def days_ago(days: int, hour: float) -> datetime:
    return MIDNIGHT - timedelta(days=days) + timedelta(hours=hour)


def soon(minutes: float = 1) -> datetime:
    """Return a moment after everything that was said so far."""
    return datetime.now(UTC) + timedelta(minutes=minutes)


class Office:
    """Acme's office, where Ada comes on every day ten minutes after her shift began."""

    def __init__(self, engine: Engine, heard: Heard) -> None:
        self.engine = engine
        self.heard = heard

    def sync(self, tenant: dict[str, Any] | None = None, **sections: Any) -> None:
        """Sync rows of the roster, and judge what they touch."""
        roster = {"tenant": {"tenant_id": 1, **(tenant or {})}, **sections}
        assert intake.sync_roster(self.engine, roster).refused == []
        judge(self.engine, 1, self.heard)
        assert waiting(self.engine) == 0

    def submit(self, *punches: dict[str, Any]) -> None:
        outcomes = intake.submit(self.engine, punches)
        assert {outcome.status for outcome in outcomes} == {"accepted"}
        judge(self.engine, 1, self.heard)

    def punch(self, punch_id: str, person_id: int, at: datetime, **fields: Any) -> None:
        self.submit(punch(punch_id, person_id, at, **fields))

    def standing(self) -> Standing:
        sql = """
        SELECT punch_id || shift_id, reason FROM anomaly WHERE tenant_id = 1 AND standing
        """
        return set(rows(self.engine, sql))

    def said(self) -> int:
        ((count,),) = rows(self.engine, "SELECT head FROM tenant WHERE tenant_id = 1")
        return int(count)


def punch(punch_id: str, person_id: int, at: datetime, **fields: Any) -> dict[str, Any]:
    """Return a check-in at the office, near its place as it was at first."""
    return {
        "punch_id": punch_id,
        "tenant_id": 1,
        "person_id": person_id,
        "site_id": OFFICE,
        "kind": "check_in",
        "occurred_at": at.isoformat(),
        **NEARBY,
        **fields,
    }


def shift(shift_id: str, person_id: int, starts_at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "shift_id": shift_id,
        "person_id": person_id,
        "site_id": OFFICE,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=8)).isoformat(),
        **fields,
    }


def shift_id(days: int) -> str:
    return f"shift-{days}"


@pytest.fixture
def office(engine: Engine, heard: Heard) -> Office:
    """Give the office after the eight days, which raised nothing."""
    office = Office(engine, heard)
    office.sync(
        sites=[{"site_id": OFFICE, **PLACE, "correction": True}],
        devices=[{"device_id": "phone", "shared": False, "person_id": ADA}],
    )
    office.submit(
        *(
            punch(f"{kind}-{days}", ADA, days_ago(days, hour), kind=f"check_{kind}", **PHONE)
            for days in DAYS_AGO
            for kind, hour in (("in", 8 + 1 / 6), ("out", 16))
        )
    )
    office.sync(shifts=[shift(shift_id(days), ADA, days_ago(days, 8)) for days in DAYS_AGO])
    assert (office.standing(), office.said()) == (set(), 0)
    return office


def test_who_leaves_was_there_until_then(office: Office) -> None:
    office.sync(people=[{"person_id": ADA, "deleted": True}])
    assert (office.standing(), office.said()) == (set(), 0)
    office.punch("after", ADA, soon())
    assert office.standing() == {("after", "unknown_person")}


def test_who_left_keeps_the_name_for_what_came_before(office: Office) -> None:
    office.punch("late", ADA, days_ago(2, 20), biometric={"method": "face", "liveness": 0.1})
    assert office.standing() == {("late", "not_live")}
    office.sync(people=[{"person_id": ADA, "deleted": True}])
    assert office.standing() == {("late", "not_live")}
    assert rows(office.engine, "SELECT person_name FROM anomaly WHERE punch_id = 'late'") == [
        ("Person 1",)
    ]


def test_who_returns_was_unknown_while_away(office: Office) -> None:
    office.sync(
        people=[{"person_id": ADA, "deleted": True, "effective_from": days_ago(6, 0).isoformat()}]
    )
    away = {(f"in-{days}", "unknown_person") for days in (6, 5, 4, 3)}
    assert {subject for subject in office.standing() if subject[1] == "unknown_person"} == away
    office.sync(
        people=[
            {
                "person_id": ADA,
                "name": "Ada",
                "effective_from": days_ago(4, 0).isoformat(),
            }
        ]
    )
    away = {(f"in-{days}", "unknown_person") for days in (6, 5)}
    assert {subject for subject in office.standing() if subject[1] == "unknown_person"} == away
    office.sync(people=[{"person_id": ADA, "name": "Ada", "correction": True}])
    assert office.standing() == set()


def test_a_phone_handed_on_was_its_old_owners_until_then(office: Office) -> None:
    office.sync(devices=[{"device_id": "phone", "shared": False, "person_id": BEN}])
    assert (office.standing(), office.said()) == (set(), 0)
    office.punch("new-owner", BEN, soon(), **PHONE)
    assert office.standing() == set()
    office.punch("old-owner", ADA, soon(60), **PHONE)
    assert office.standing() == {("old-owner", "anothers_device")}


def test_a_site_that_moved_was_where_it_was(office: Office) -> None:
    office.sync(sites=[{"site_id": OFFICE, "latitude": 52.52, "longitude": 13.4}])
    assert (office.standing(), office.said()) == (set(), 0)
    office.punch("old-place", ADA, soon())
    office.punch("new-place", BEN, soon(), latitude=52.5202)
    assert office.standing() == {("old-place", "outside_fence")}


def test_a_site_that_never_was_elsewhere_judges_all(office: Office) -> None:
    office.sync(
        sites=[{"site_id": OFFICE, "latitude": 52.52, "longitude": 13.4, "correction": True}]
    )
    assert office.standing() == {
        (f"{kind}-{days}", "outside_fence") for days in DAYS_AGO for kind in ("in", "out")
    }


def test_an_assignment_that_is_removed_was_valid_until_then(office: Office) -> None:
    office.sync(assignments=[{"person_id": BEN, "site_id": OFFICE, "deleted": True}])
    office.punch("before", BEN, days_ago(2, 20))
    assert office.standing() == set()
    office.punch("after", BEN, soon())
    assert office.standing() == {("after", "not_assigned")}


def test_an_assignment_that_never_was_accuses_all(office: Office) -> None:
    office.punch("before", BEN, days_ago(2, 20))
    office.sync(
        assignments=[{"person_id": BEN, "site_id": OFFICE, "deleted": True, "correction": True}]
    )
    assert office.standing() == {("before", "not_assigned")}


def test_an_assignment_until_the_end_of_the_calendar_is_judged_like_another(office: Office) -> None:
    office.punch("before", BEN, days_ago(2, 20))
    key = {"person_id": BEN, "site_id": OFFICE}
    office.sync(assignments=[key | {"deleted": True, "correction": True}])
    assert office.standing() == {("before", "not_assigned")}
    since = {"valid_from": days_ago(5, 0).isoformat()}
    office.sync(assignments=[key | since | {"valid_to": "9999-12-31T23:59:59Z"}])
    assert office.standing() == set()


def test_a_shift_of_one_who_had_left_is_no_longer_theirs_in_whatever_order_it_is_told(
    office: Office,
) -> None:
    """Dora checks in elsewhere while her shift is on. What says that she had left came first."""
    dora = 77
    start = days_ago(3, 8)
    office.sync(shifts=[shift("dora's", dora, start, substitutes=[BEN])])
    office.punch("before", dora, days_ago(9, 8))
    office.punch("elsewhere", dora, start, site_id=DEPOT)
    assert ("elsewhere", "wrong_site") in office.standing()
    left = {"person_id": dora, "deleted": True, "effective_from": days_ago(20, 0).isoformat()}
    came = {"person_id": dora, "name": "Dora", "effective_from": days_ago(90, 0).isoformat()}
    office.sync(people=[left], sent_at=days_ago(1, 8).isoformat())
    office.sync(people=[came], sent_at=days_ago(1, 7).isoformat())
    assert ("elsewhere", "wrong_site") not in office.standing()


def test_shifts_that_are_purged_after_their_start_go_on_counting(office: Office) -> None:
    office.sync(shifts=[shift("missed", BEN, days_ago(2, 8))])
    assert office.standing() == {("missed", "no_show")}
    said = office.said()
    purged = [{"shift_id": shift_id(days), "deleted": True} for days in DAYS_AGO]
    office.sync(shifts=[*purged, {"shift_id": "missed", "deleted": True}])
    assert (office.standing(), office.said()) == ({("missed", "no_show")}, said)


@pytest.mark.parametrize(
    ("removal", "sent_at"), [({}, days_ago(2, 7.9)), ({"correction": True}, days_ago(2, 9))]
)
def test_a_shift_removed_before_its_start_or_as_wrong_counts_nowhere(
    office: Office, removal: dict[str, Any], sent_at: datetime
) -> None:
    planned = days_ago(12, 8).isoformat()
    office.sync(shifts=[shift("missed", BEN, days_ago(2, 8))], sent_at=planned)
    assert office.standing() == {("missed", "no_show")}
    row = {"shift_id": "missed", "deleted": True, **removal}
    office.sync(shifts=[row], sent_at=sent_at.isoformat())
    assert office.standing() == set()


@pytest.mark.parametrize("substitutes", [[], [CLEO]])
def test_a_shift_of_who_had_left_is_its_substitutes_only(
    office: Office, substitutes: list[int]
) -> None:
    missed = shift("missed", BEN, days_ago(2, 8), substitutes=substitutes)
    office.sync(shifts=[missed])
    assert office.standing() == {("missed", "no_show")}
    left = {"person_id": BEN, "deleted": True, "effective_from": days_ago(3, 0).isoformat()}
    office.sync(people=[left])
    assert office.standing() == ({("missed", "no_show")} if substitutes else set())
    # Who left later was still expected.
    office.sync(people=[{"person_id": BEN, "name": "Ben", "correction": True}])
    office.sync(people=[{"person_id": BEN, "deleted": True}])
    assert office.standing() == {("missed", "no_show")}


@pytest.mark.parametrize("whose", ["tenant", "site"])
def test_a_stricter_grace_accuses_nobody_of_last_month(office: Office, whose: str) -> None:
    policy = {"policy": {"grace_minutes": 5.0}}
    if whose == "tenant":
        office.sync(policy)
    else:
        office.sync(sites=[{"site_id": OFFICE, **policy}])
    assert (office.standing(), office.said()) == (set(), 0)
    starts_at = soon()
    office.sync(shifts=[shift("next", ADA, starts_at)])
    office.punch("late", ADA, starts_at + timedelta(minutes=10))
    assert office.standing() == {("late", "late")}


def test_a_stricter_grace_from_a_day_on_accuses_of_what_came_after_it(office: Office) -> None:
    strict = {"policy": {"grace_minutes": 5.0}, "effective_from": days_ago(5, 0).isoformat()}
    office.sync(strict)
    assert office.standing() == {(f"in-{days}", "late") for days in (5, 4, 3)}
    office.sync({"policy": {"grace_minutes": None}, "effective_from": days_ago(4, 0).isoformat()})
    assert office.standing() == {("in-5", "late")}


def test_a_stricter_grace_for_next_month_changes_nothing_yet(office: Office) -> None:
    in_a_month = soon(30 * 1440).isoformat()
    office.sync({"policy": {"grace_minutes": 5.0}, "effective_from": in_a_month})
    assert (office.standing(), office.said()) == (set(), 0)
    starts_at = soon()
    office.sync(shifts=[shift("next", ADA, starts_at)])
    office.punch("in-time", ADA, starts_at + timedelta(minutes=10))
    assert office.standing() == set()


def test_a_stricter_grace_that_held_always_accuses_of_all(office: Office) -> None:
    office.sync({"policy": {"grace_minutes": 5.0}, "correction": True})
    assert office.standing() == {(f"in-{days}", "late") for days in DAYS_AGO}


def test_what_came_late_is_judged_by_what_held_when_it_was_taken(office: Office) -> None:
    """A punch of last week is handed in after the person left and the phone was handed on."""
    office.sync(
        {"policy": {"grace_minutes": 5.0}},
        sites=[{"site_id": OFFICE, "latitude": 52.52, "longitude": 13.4}],
        people=[{"person_id": BEN, "deleted": True}],
        devices=[{"device_id": "tablet", "shared": False, "person_id": BEN}],
        shifts=[shift("bens", BEN, days_ago(2, 8))],
    )
    assert office.standing() == {("bens", "no_show")}
    office.sync(devices=[{"device_id": "tablet", "shared": False, "person_id": CLEO}])
    late = days_ago(2, 8 + 1 / 6)
    office.submit(
        punch("handed-in", BEN, late, device_id="tablet"),
        punch("and-out", BEN, days_ago(2, 16), kind="check_out", device_id="tablet"),
    )
    assert office.standing() == set()
