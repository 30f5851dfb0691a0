"""A change of the roster or of the policy judges again what it touches, within `rejudge_days`.

Viewers are told what fell away.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.ids import Id
from tests.worker.cast import feed, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge

OFFICE, DEPOT = 15, 16
ADA, BEN, STRANGER = 1, 2, 77
# Whatever the time of day, nobody who came on one of the two days after is still working.
MORNING = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=3)
PLACE = {"latitude": 52.5, "longitude": 13.4, "radius_m": 100}

Sync = Callable[..., None]
Standing = set[tuple[str, str]]  # the id of a punch or shift, and the reason that stands on it


def at(hours: float) -> str:
    return (MORNING + timedelta(hours=hours)).isoformat()


def shift(
    shift_id: str, person_id: Id, starts: float = 0, ends: float = 8, **fields: Any
) -> dict[str, Any]:
    times = {"starts_at": at(starts), "ends_at": at(ends)}
    return {
        "shift_id": shift_id,
        "person_id": person_id,
        "site_id": OFFICE,
        **times,
        "substitutes": [],
        **fields,
    }


@pytest.fixture
def sync(engine: Engine, heard: Heard) -> Sync:
    """Give a function that syncs rows of the roster, and judges what they touch.

    Those that have a past say, unless they say from when they hold, that it was always so.
    """

    def run(tenant: dict[str, Any] | None = None, **sections: Any) -> None:
        roster = {"tenant": _always({"tenant_id": 1, **(tenant or {})}), **sections}
        for section in sections.keys() & {"sites", "people", "devices"}:
            roster[section] = [_always(row) for row in sections[section]]
        outcome = intake.sync_roster(engine, roster)
        assert outcome.refused == []
        judge(engine, 1, heard)
        assert waiting(engine) == 0

    return run


def _always(row: dict[str, Any]) -> dict[str, Any]:
    return row if row.keys() & {"correction", "effective_from"} else row | {"correction": True}


@pytest.fixture
def punch(engine: Engine, heard: Heard) -> Callable[..., None]:
    """Give a function that submits a punch, and judges it."""

    def run(
        punch_id: str,
        person_id: Id = ADA,
        hours: float = 0,
        *,
        out: bool = False,
        site_id: Id = OFFICE,
        **fields: Any,
    ) -> None:
        kind = "check_out" if out else "check_in"
        content = {
            "punch_id": punch_id,
            "tenant_id": 1,
            "person_id": person_id,
            "site_id": site_id,
            "kind": kind,
            "occurred_at": at(hours),
        }
        (outcome,) = intake.submit(engine, [content | fields])
        assert outcome.status == "accepted"
        judge(engine, 1, heard)

    return run


def standing(engine: Engine) -> Standing:
    return set(
        rows(
            engine,
            "SELECT punch_id || shift_id, reason FROM anomaly WHERE tenant_id = 1 AND standing",
        )
    )


def history(engine: Engine) -> list[tuple[str, str]]:
    """Return the reason and status of all messages of anomalies, in order."""
    return [
        (said["reason"], said["status"])
        for said in feed(engine)
        if said["type"].startswith("anomaly")
    ]


def test_an_assignment_added_after_the_fact_withdraws_the_unauthorized_site(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(people=[{"person_id": STRANGER, "name": "New"}])
    punch("p1", STRANGER)
    assert standing(engine) == {("p1", "not_assigned")}
    sync(assignments=[{"person_id": STRANGER, "site_id": OFFICE}])
    assert (standing(engine), history(engine)) == (
        set(),
        [("not_assigned", "DETECTED"), ("not_assigned", "WITHDRAWN")],
    )


def test_an_assignment_that_turns_out_to_have_ended_earlier_raises_it(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("p1")
    assert standing(engine) == set()
    sync(assignments=[{"person_id": ADA, "site_id": OFFICE, "valid_to": at(-1)}])
    assert standing(engine) == {("p1", "not_assigned")}


def test_somebody_who_turns_out_to_rove_is_accused_of_no_visit_until_that_is_taken_back(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """It is so at each site for itself, and while they rove there."""
    posts = [
        shift("office", BEN),
        shift("depot", 3, site_id=DEPOT),
        shift("next day", BEN, 24, 32),
    ]
    sync(shifts=posts)
    punch("ben", BEN, 0)
    punch("first", ADA, 1)
    punch("overlaps", ADA, 1.5, site_id=DEPOT)
    punch("first out", ADA, 2, out=True)
    punch("last out", ADA, 2.5, out=True, site_id=DEPOT)
    punch("next", ADA, 25)
    visits = {("first", "unscheduled"), ("overlaps", "in_place_of")}
    rest = {("overlaps", "overlapping"), ("next", "in_place_of")}

    def found() -> Standing:
        return {one for one in standing(engine) if one[0] not in ("depot", "next day", "ben")}

    assert found() == visits | rest
    since = {"person_id": ADA, "valid_from": at(-30), "roving": True}
    rounds = [since | {"site_id": OFFICE, "valid_to": at(20)}, since | {"site_id": DEPOT}]
    sync(assignments=rounds[:1])
    assert found() == {("overlaps", "in_place_of"), ("next", "in_place_of")}
    sync(assignments=rounds[1:])
    assert found() == {("next", "in_place_of")}
    sync(assignments=[rounds[0] | {"roving": False, "correction": True}])
    assert found() == {("first", "unscheduled"), ("next", "in_place_of")}
    sync(assignments=[rounds[1] | {"deleted": True, "correction": True}])
    assert found() == visits | rest


def test_two_records_of_one_person_are_one_from_the_moment_on(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """An anomaly's person never changes: the old one is withdrawn, and a new one stands."""
    punch("before", BEN, -100, is_mock_location=True)
    punch("after", BEN, -50, is_mock_location=True)
    since = {"effective_from": at(-60)}
    sync(people=[{"person_id": BEN, "merged_into": ADA, **since}])
    found = rows(
        engine,
        "SELECT punch_id, person_id, standing FROM anomaly WHERE reason = 'mock_location'",
    )
    assert sorted(found) == [
        ("after", ADA, True),
        ("after", BEN, False),
        ("before", BEN, True),
    ]
    sync(people=[{"person_id": BEN, "merged_into": None, **since}])
    assert sorted(
        rows(
            engine,
            "SELECT punch_id, person_id FROM anomaly WHERE standing AND reason = 'mock_location'",
        )
    ) == [("after", BEN), ("before", BEN)]


def test_who_is_merged_stands_in_for_nobody_and_is_late_for_the_others_shift(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(shifts=[shift("s1", ADA, -50, -42)])
    punch("seen", 3, -60)
    punch("in", BEN, -49)
    assert {("in", "in_place_of"), ("s1", "stood_in_for")} <= standing(engine)
    sync(people=[{"person_id": BEN, "merged_into": ADA, "correction": True}])
    assert standing(engine) & {("in", "in_place_of"), ("s1", "stood_in_for")} == set()
    assert ("in", "late") in standing(engine)


def test_two_records_of_one_person_are_one_user_of_a_device(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """A device that enough people used is taken as shared for days."""
    sync(tenant={"policy": {"kiosk_people": 4}})
    for punch_id, person_id, hours in (("a", ADA, -100), ("b", BEN, -90), ("c", 3, -50)):
        punch(punch_id, person_id, hours, device_id="stray")
    punch("d", 4, -49.99, device_id="stray")
    told = {("c", "same_undeclared_device"), ("d", "same_undeclared_device")}
    assert not standing(engine) & told
    sync(people=[{"person_id": BEN, "merged_into": ADA}])
    assert told <= standing(engine)
    sync(people=[{"person_id": BEN, "merged_into": None}])
    assert not standing(engine) & told


def leave(absence_id: str, since: float, until: float, **whose: int | None) -> dict[str, Any]:
    return {"absence_id": absence_id, "from": at(since), "to": at(until), **whose}


def test_an_absence_that_comes_after_the_fact_covers_what_it_covers(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """Until it is taken back, as if it had never been."""
    plan = [("first", -96, -88), ("night", -76, -68), ("third", -48, -40)]
    sync(shifts=[shift(shift_id, ADA, since, until) for shift_id, since, until in plan])
    punch("before", BEN, -98)
    punch("in", ADA, -75)
    punch("out", ADA, -71, out=True)
    rest = {("first", "no_show"), ("third", "no_show")}
    assert standing(engine) >= (both := {("in", "late"), ("out", "left_early"), *rest})
    day = leave("l1", -96, -76, person_id=ADA)
    sync(absences=[day])
    assert standing(engine) & both == {("third", "no_show")}
    sync(absences=[day | {"to": at(-75)}])
    assert standing(engine) & {*both, ("in", "on_leave")} == {
        ("third", "no_show"),
        ("in", "on_leave"),
    }
    sync(absences=[day | {"from": at(-50), "to": at(-40)}])
    assert standing(engine) & both == both - {("third", "no_show")}
    sync(absences=[day | {"person_id": None, "site_id": OFFICE}])
    assert standing(engine) & both == {("third", "no_show")}
    sync(absences=[{"absence_id": "l1", "deleted": True}])
    assert standing(engine) & both == both


def test_a_holiday_covers_shifts_of_people_who_never_came_and_of_their_substitutes(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(shifts=[shift("s1", 3, -160, -150), shift("s2", BEN, -160, -10, substitutes=[ADA])])
    punch("before", BEN, -200)
    punch("in", ADA, -20)
    assert standing(engine) >= {("s1", "no_show"), ("in", "late")}
    sync(absences=[leave("h1", -164, -159, site_id=OFFICE)])
    assert not standing(engine) & {("s1", "no_show"), ("in", "late")}


def test_days_of_an_absence_are_those_of_a_site_whose_zone_turns_out_to_be_another(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    day = (MORNING + timedelta(hours=13)).date().isoformat()
    sync(
        shifts=[shift("s1", ADA, 13, 14)],  # from 21:00 in UTC
        absences=[{"absence_id": "l1", "person_id": ADA, "from": day, "to": day}],
    )
    punch("before", BEN, -1)
    sync(sites=[{"site_id": OFFICE, "timezone": "UTC"}])
    assert ("s1", "no_show") not in standing(engine)
    sync(sites=[{"site_id": OFFICE, "timezone": "Asia/Tokyo"}])
    assert ("s1", "no_show") in standing(engine)


def test_a_person_added_is_no_longer_unknown(engine: Engine, sync: Sync, punch: Any) -> None:
    sync(assignments=[{"person_id": STRANGER, "site_id": OFFICE}])
    punch("p1", STRANGER)
    assert standing(engine) == {("p1", "unknown_person")}
    sync(people=[{"person_id": STRANGER, "name": "New"}])
    assert (standing(engine), history(engine)[-1]) == (set(), ("unknown_person", "WITHDRAWN"))


def test_a_person_removed_is_unknown_from_then_on_and_stays_known_for_what_came_before(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("before", is_mock_location=True)
    punch("after", hours=20)
    sync(people=[{"person_id": ADA, "deleted": True, "effective_from": at(2)}])
    assert standing(engine) == {("before", "mock_location"), ("after", "unknown_person")}
    assert (
        "Person 1" in rows(engine, "SELECT person_name FROM anomaly WHERE punch_id = 'before'")[0]
    )


def test_a_person_who_never_was_in_the_roster_is_unknown_throughout(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("p1")
    sync(people=[{"person_id": ADA, "deleted": True, "correction": True}])
    assert standing(engine) == {("p1", "unknown_person")}


def explanations(engine: Engine) -> dict[str, str]:
    """Return the explanations and evidence of what stands on a punch or shift, by its id."""
    sql = """
        SELECT punch_id || shift_id, string_agg(explanation || evidence::text, ' ')
        FROM anomaly WHERE tenant_id = 1 AND standing
        GROUP BY 1
    """
    return dict(rows(engine, sql))


def test_a_person_who_comes_to_be_known_is_named_in_others_anomalies(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """Punches name the person: by a reader, on a device near them, on a device of theirs.

    And a shift names them as a substitute.
    """
    sync(
        devices=[
            {"device_id": "tablet", "shared": False},
            {"device_id": "phone", "shared": False, "person_id": STRANGER},
        ]
    )
    punch("before", BEN, -30)
    sync(
        shifts=[shift("s1", 9, substitutes=[STRANGER])],
        assignments=[{"person_id": STRANGER, "site_id": DEPOT}],
    )
    punch("face", 3, -10, biometric={"method": "face", "matched_person_id": STRANGER})
    punch("near", 4, -12, device_id="tablet")
    punch("stranger", STRANGER, -12.05, device_id="tablet")
    punch("left", STRANGER, -11, out=True)
    punch("phone", 5, -14, device_id="phone")
    concerned = ("face", "near", "phone", "s1")
    assert not any("Stranger" in explanations(engine)[subject] for subject in concerned)
    sync(people=[{"person_id": STRANGER, "name": "Stranger"}])
    assert [
        subject for subject in concerned if "Stranger" not in explanations(engine)[subject]
    ] == []


def test_a_person_renamed_before_their_shift_begins_is_so_named_by_who_stands_in_for_them(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    now = (datetime.now(UTC) - MORNING) / timedelta(hours=1)
    sync(shifts=[shift("s1", ADA, now + 0.5, now + 8)])
    punch("p1", BEN, now)
    sync(people=[{"person_id": ADA, "name": "Augusta"}])
    assert "Augusta" in explanations(engine)["p1"]


def test_a_cancelled_shift_withdraws_its_no_show(engine: Engine, sync: Sync, punch: Any) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s1", ADA)])
    assert ("s1", "no_show") in standing(engine)
    sync(shifts=[shift("s1", ADA, cancelled=True)])
    assert standing(engine) == set()
    assert ("no_show", "WITHDRAWN") in history(engine)


def test_a_shift_that_comes_late_finds_who_was_there_and_who_was_not(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("before", BEN, -30)
    punch("p1", BEN)
    assert standing(engine) == set()
    sync(shifts=[shift("s1", ADA)])
    assert standing(engine) == {("s1", "stood_in_for"), ("p1", "in_place_of")}


def test_a_shift_given_to_whoever_came_is_attended(engine: Engine, sync: Sync, punch: Any) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s1", ADA)])
    punch("p1", BEN)
    assert {("s1", "stood_in_for"), ("p1", "in_place_of")} <= standing(engine)
    sync(shifts=[shift("s1", BEN)])
    assert not {reason for _, reason in standing(engine)} & {
        "no_show",
        "stood_in_for",
        "in_place_of",
        "unscheduled",
    }


def test_a_substitute_named_afterwards_is_entitled(engine: Engine, sync: Sync, punch: Any) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s1", ADA)])
    punch("p1", BEN)
    sync(shifts=[shift("s1", ADA, substitutes=[BEN])])
    reasons = {reason for _, reason in standing(engine)}
    assert not reasons & {"no_show", "stood_in_for", "in_place_of"}


def test_a_swap_is_told_once_and_a_no_show_again_once_nobody_stood_in(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s1", ADA)])
    assert standing(engine) == {("s1", "no_show")}
    punch("p1", BEN)
    assert standing(engine) == {("s1", "stood_in_for"), ("p1", "in_place_of")}
    sync({"policy": {"wrong_person": "shadow"}, "correction": True})
    assert ("s1", "no_show") in standing(engine)
    sync({"policy": {"wrong_person": None}, "correction": True})
    assert ("s1", "stood_in_for") in standing(engine)
    # Ben has a shift of his own here after all.
    sync(shifts=[shift("s2", BEN)])
    assert standing(engine) == {("s1", "no_show"), ("p1", "missing_check_out")}
    sync(shifts=[{"shift_id": "s2", "deleted": True, "correction": True}])
    assert ("s1", "stood_in_for") in standing(engine)
    intake.void(engine, 1, "p1", "It was a test.")
    judge(engine, 1, Heard())
    assert standing(engine) == {("s1", "no_show")}


def test_a_shift_moved_in_time_makes_its_check_in_late_or_not(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(shifts=[shift("s1", ADA)])
    punch("p1", ADA, 0.5)
    punch("p2", ADA, 8, out=True)
    assert standing(engine) == {("p1", "late")}
    sync(shifts=[shift("s1", ADA, starts=0.5)])
    assert (standing(engine), history(engine)[-1]) == (set(), ("late", "WITHDRAWN"))


def test_a_site_that_turns_out_to_be_elsewhere_withdraws_the_geofence_violation(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(sites=[{"site_id": OFFICE, **PLACE}])
    punch("p1", latitude=52.51, longitude=13.4, accuracy_m=5)
    assert standing(engine) == {("p1", "outside_fence")}
    sync(sites=[{"site_id": OFFICE, **PLACE, "latitude": 52.51}])
    assert (standing(engine), history(engine)[-1]) == (set(), ("outside_fence", "WITHDRAWN"))


CITY = [[13.3, 52.4], [13.5, 52.4], [13.5, 52.6], [13.3, 52.6], [13.3, 52.4]]


@pytest.mark.parametrize(
    "fence", [{"radius_m": 2_000}, {"boundary": {"type": "Polygon", "coordinates": [CITY]}}]
)
def test_a_wider_fence_withdraws_it_and_a_narrower_one_raises_it_again(
    engine: Engine, sync: Sync, punch: Any, fence: dict[str, Any]
) -> None:
    sync(sites=[{"site_id": OFFICE, **PLACE}])
    punch("p1", latitude=52.51, longitude=13.4, accuracy_m=5)
    sync(sites=[{"site_id": OFFICE, **fence}])
    assert standing(engine) == set()
    sync(sites=[{"site_id": OFFICE, **PLACE, "boundary": None}])
    assert history(engine) == [
        ("outside_fence", status) for status in ("DETECTED", "WITHDRAWN", "DETECTED")
    ]
    assert len(rows(engine, "SELECT 1 FROM anomaly")) == 1


def test_a_device_declared_as_shared_withdraws_buddy_punching_on_both_punches(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(devices=[{"device_id": "tablet", "shared": False}])
    punch("p1", ADA, 0, device_id="tablet")
    punch("p2", BEN, 0.05, device_id="tablet")
    assert standing(engine) == {("p1", "same_device"), ("p2", "same_device")}
    sync(devices=[{"device_id": "tablet", "shared": True}])
    assert standing(engine) == set()
    assert history(engine)[-2:] == [("same_device", "WITHDRAWN")] * 2


def test_a_device_declared_as_somebodys_raises_it_at_whoever_else_used_it(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("p1", ADA, device_id="phone")
    sync(devices=[{"device_id": "phone", "shared": False, "person_id": BEN}])
    assert standing(engine) == {("p1", "anothers_device")}


def test_a_roster_declared_incomplete_cannot_tell_and_declared_complete_can_again(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s1", ADA)])
    punch("p1", STRANGER)
    complete = standing(engine)
    assert {("s1", "stood_in_for"), ("p1", "in_place_of"), ("p1", "unknown_person")} <= complete
    sync({"roster_complete": False})
    assert standing(engine) == set()
    sync({"roster_complete": True})
    assert standing(engine) == complete


@pytest.mark.parametrize("times", [{}, {"valid_to": at(-24)}, {"valid_from": at(24)}])
def test_the_first_assignment_of_a_tenant_makes_everybody_elses_site_unauthorized(
    engine: Engine, sync: Sync, punch: Any, times: dict[str, str]
) -> None:
    """Whenever it is valid: without any nobody can tell who belongs where."""
    everyone = [
        {"person_id": person, "site_id": site, "deleted": True, "correction": True}
        for person in range(1, 21)
        for site in (OFFICE, DEPOT)
    ]
    sync(assignments=everyone)
    punch("p1")
    assert standing(engine) == set()
    sync(assignments=[{"person_id": BEN, "site_id": OFFICE} | times])
    assert standing(engine) == {("p1", "not_assigned")}


def test_a_policy_of_the_tenant_judges_again(engine: Engine, sync: Sync, punch: Any) -> None:
    punch("p1", biometric={"method": "face", "score": 0.75, "liveness": 0.9})
    assert standing(engine) == set()
    sync({"policy": {"biometric_min_score": 0.8}})
    assert standing(engine) == {("p1", "low_score")}
    sync({"policy": {"biometric_min_score": None}})
    assert (standing(engine), history(engine)[-1]) == (set(), ("low_score", "WITHDRAWN"))


def test_a_policy_of_a_site_judges_that_site_again_and_goes_over_the_tenants(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    body = {"biometric": {"method": "face", "score": 0.75, "liveness": 0.9}}
    punch("p1", ADA, **body)
    punch("p2", BEN, site_id=DEPOT, **body)
    sync(sites=[{"site_id": OFFICE, "policy": {"biometric_min_score": 0.8}}])
    assert standing(engine) == {("p1", "low_score")}
    sync(
        {"policy": {"biometric_min_score": 0.9}},
        sites=[{"site_id": OFFICE, "policy": {"biometric_min_score": 0.7}}],
    )
    assert standing(engine) == {("p2", "low_score")}


def test_a_weight_changes_the_score_and_each_anomaly_of_the_punch_says_so_once(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch(
        "p1",
        is_mock_location=True,
        latitude=0.0,
        longitude=0.0,
        biometric={"method": "face", "score": 0.6, "liveness": 0.9},
    )
    assert len(history(engine)) == 2
    sync({"policy": {"biometric_anomaly_weight": 0.1}})
    scores = {said["fraud_score"] for said in feed(engine)[-2:]}
    assert (len(history(engine)), len(scores)) == (4, 1)
    assert {said["type"] for said in feed(engine)[-2:] if said["type"].startswith("anomaly")} == {
        "anomaly_updated"
    }


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_type_switched_off_or_into_shadow_is_withdrawn_for_viewers_and_returns(
    engine: Engine, sync: Sync, punch: Any, mode: str
) -> None:
    punch("p1", biometric={"method": "face", "score": 0.6, "liveness": 0.9})
    sync({"policy": {"biometric_anomaly": mode}})
    assert history(engine)[-1] == ("low_score", "WITHDRAWN")
    assert rows(engine, "SELECT standing, shadow FROM anomaly") == [
        (mode == "shadow", mode == "shadow")
    ]
    sync({"policy": {"biometric_anomaly": "on"}})
    assert history(engine)[-1] == ("low_score", "DETECTED")


def test_a_new_version_of_the_policy_alone_is_no_change(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("p1", biometric={"method": "face", "score": 0.6, "liveness": 0.9})
    before = rows(engine, "SELECT xmin::text, * FROM anomaly")
    sync({"policy": {"biometric_min_score": 0.7, "kiosk_people": 6}})
    assert rows(engine, "SELECT policy_version FROM tenant WHERE tenant_id = 1") == [(2,)]
    assert (rows(engine, "SELECT xmin::text, * FROM anomaly"), len(history(engine))) == (before, 1)


@pytest.mark.parametrize(
    "change", ["policy of the tenant", "policy of the site", "assignment", "shift", "device"]
)
def test_changes_reach_back_as_far_as_rejudge_days_and_no_further(
    engine: Engine, sync: Sync, punch: Any, change: str
) -> None:
    sync({"policy": {"rejudge_days": 10}})
    body = {"biometric": {"method": "face", "score": 0.75, "liveness": 0.9}}
    punch("within", ADA, -24 * 7, device_id="phone", **body)
    punch("beyond", ADA, -24 * 9, device_id="phone", **body)
    if change == "policy of the tenant":
        sync({"policy": {"biometric_min_score": 0.8}})
    elif change == "policy of the site":
        sync(sites=[{"site_id": OFFICE, "policy": {"biometric_min_score": 0.8}}])
    elif change == "shift":
        sync(
            shifts=[
                shift(name, BEN, 1 - 24 * days, 9 - 24 * days)
                for name, days in (("within", 7), ("beyond", 9))
            ]
        )
    elif change == "device":
        sync(devices=[{"device_id": "phone", "shared": False, "person_id": BEN}])
    else:
        sync(assignments=[{"person_id": ADA, "site_id": OFFICE, "valid_to": at(-24 * 20)}])
    assert {subject for subject, _ in standing(engine)} == {"within"}


def test_a_punch_however_old_is_judged_when_it_comes(engine: Engine, punch: Any) -> None:
    punch("old", ADA, -24 * 300, biometric={"method": "face", "score": 0.6, "liveness": 0.9})
    assert standing(engine) == {("old", "low_score")}


def test_a_second_shift_of_the_same_start_is_attended_as_well(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """Somebody who is there attends all shifts that they are rostered to at that time."""
    punch("before", BEN, -30)
    sync(shifts=[shift("s2", ADA)])
    punch("p1", ADA)
    punch("p2", ADA, 8, out=True)
    assert standing(engine) == set()
    sync(shifts=[shift("s1", ADA)])
    assert standing(engine) == set()


def test_a_second_shift_to_substitute_in_is_attended_by_nobody(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """Who works in a shift of their own does not stand in for another at the same time."""
    punch("before", BEN, -30)
    sync(shifts=[shift("s2", ADA)])
    punch("p1", ADA)
    punch("p2", ADA, 8, out=True)
    assert standing(engine) == set()
    sync(shifts=[shift("s1", BEN, substitutes=[ADA])])
    assert standing(engine) == {("s1", "no_show")}


def test_a_shift_nearer_to_a_check_in_takes_it_from_the_next(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("before", BEN, -30)
    sync(shifts=[shift("s2", ADA, 1, 9)])
    punch("p1", ADA, 0.2)
    punch("p2", ADA, 0.8, out=True)
    assert ("s2", "no_show") not in standing(engine)
    sync(shifts=[shift("s1", ADA, 0, 0.9)])
    assert ("s2", "no_show") in standing(engine)


def test_a_shift_that_begins_within_a_day_excuses_a_stray_check_out_however_short_spells_are(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(
        {
            "policy": {
                "max_spell_hours": 2,
                "max_work_hours": 2,
                "missing_check_out_after_hours": 0,
                "early_limit_hours": 24,
            }
        }
    )
    sync(people=[{"person_id": STRANGER, "name": "New"}])
    punch("p1", STRANGER, out=True)
    assert standing(engine) == {("p1", "not_assigned")}
    sync(shifts=[shift("s1", STRANGER, 23, 24)])
    assert ("p1", "not_assigned") not in standing(engine)


def test_a_check_out_ends_what_only_another_sites_policy_takes_for_a_repeat(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """Here the second check-in begins a spell, which would have lasted until 17:00."""
    sync(
        {"policy": {"repeat_minutes": 0, "early_window_minutes": 0}},
        sites=[{"site_id": DEPOT, "name": "Depot", "timezone": "UTC"}],
        shifts=[shift("s1", ADA, 16.5, 20)],
    )
    sync(sites=[{"site_id": DEPOT, "policy": {"repeat_minutes": 90}}])
    punch("p1", ADA, 0)
    punch("p2", ADA, 1)
    assert ("s1", "no_show") not in standing(engine)
    punch("p3", ADA, 8, out=True)
    assert ("s1", "no_show") in standing(engine)


def test_a_shift_that_ended_a_day_ago_holds_a_check_out_over_however_short_spells_are(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(
        {
            "policy": {
                "max_spell_hours": 2,
                "max_work_hours": 2,
                "missing_check_out_after_hours": 0,
                "holdover_minutes": 1440,
            }
        }
    )
    sync(people=[{"person_id": STRANGER, "name": "New"}])
    punch("p1", STRANGER, out=True)
    assert standing(engine) == {("p1", "not_assigned")}
    sync(shifts=[shift("s1", STRANGER, -25, -23)])
    assert ("p1", "not_assigned") not in standing(engine)


def test_a_shift_that_comes_late_makes_the_site_rostered_for_a_day_after_it(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("p1", BEN, 24)
    punch("out", BEN, 25, out=True)
    assert standing(engine) == set()
    sync(shifts=[shift("s1", ADA, -8, 0)])
    assert standing(engine) == {("p1", "unscheduled")}


def test_in_a_shift_of_days_a_stranger_stands_in_somebodys_place_once(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(shifts=[shift("s1", ADA, -100, 20)])
    for number, hours in enumerate((-99, -20, 0)):
        punch(f"in{number}", BEN, hours)
        punch(f"out{number}", BEN, hours + 1, out=True)
    assert {subject for subject, _ in standing(engine)} == {"in0"}
    # which makes the first check-in one for a shift of his own
    sync(shifts=[shift("s2", BEN, -99, -97)])
    assert {subject for subject, reason in standing(engine) if reason == "in_place_of"} == {"in1"}


def test_in_a_shift_of_days_whoever_comes_back_did_not_leave_early(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(shifts=[shift("s1", ADA, -100, 20)])
    punch("in", ADA, -100)
    punch("out", ADA, -90, out=True)
    punch("away", ADA, -80, site_id=DEPOT)
    punch("off", ADA, -78, site_id=DEPOT, out=True)
    assert ("out", "left_early") in standing(engine)
    punch("back", ADA, 8)
    assert ("out", "left_early") not in standing(engine)


def test_a_site_that_turns_out_to_be_near_was_in_reach_of_the_same_face_on_another_name(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    """The reader at one site recognised Ben in Ada. Ben himself punched at the site that moves."""
    sync(sites=[{"site_id": OFFICE, **PLACE}, {"site_id": DEPOT, **PLACE, "latitude": 53.5}])
    punch(
        "there",
        BEN,
        -0.04,
        site_id=DEPOT,
        out=True,
        biometric={"method": "face", "score": 0.9, "liveness": 0.9},
    )
    punch(
        "here",
        ADA,
        0,
        biometric={"method": "face", "score": 0.9, "liveness": 0.9, "matched_person_id": BEN},
    )
    assert {("there", "two_places_at_once"), ("here", "two_places_at_once")} <= standing(engine)
    sync(sites=[{"site_id": DEPOT, "latitude": 52.5}])
    assert "two_places_at_once" not in {reason for _, reason in standing(engine)}


def test_a_person_or_a_site_renamed_is_so_in_all_that_stands(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("face", 3, 0, biometric={"method": "face", "matched_person_id": BEN})
    punch("own", BEN, 0, is_mock_location=True)
    sync(
        people=[{"person_id": BEN, "name": "Benedict"}],
        sites=[{"site_id": OFFICE, "name": "Headquarters"}],
    )
    assert "Benedict" in explanations(engine)["face"]
    assert rows(engine, "SELECT person_name, site_name FROM anomaly WHERE punch_id = 'own'") == [
        ("Benedict", "Headquarters")
    ]
    alerts = rows(engine, "SELECT site_name, person_name FROM alert ORDER BY person_id")
    assert alerts == [("Headquarters", "Benedict"), ("Headquarters", "Person 3")]
    assert {said["site_name"] for said in feed(engine) if said["type"] == "alert_updated"} == {
        "Headquarters"
    }
    renamed = [said for said in feed(engine) if said["type"] == "anomaly_updated"]
    assert {said["punch_id"] for said in renamed} == {"face", "own"} and {
        said["site_name"] for said in renamed
    } == {"Headquarters"}


def test_a_device_handed_on_was_its_first_owners_until_then(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(devices=[{"device_id": "phone", "shared": False, "person_id": ADA}])
    for name, person_id, hours in (("a", ADA, 0), ("b", BEN, 1), ("c", ADA, 3), ("d", BEN, 4)):
        punch(name, person_id, hours, device_id="phone")
    assert standing(engine) == {("b", "anothers_device"), ("d", "anothers_device")}
    sync(devices=[{"device_id": "phone", "person_id": BEN, "effective_from": at(2)}])
    assert standing(engine) == {("b", "anothers_device"), ("c", "anothers_device")}


def test_a_site_that_moves_was_where_it_was(engine: Engine, sync: Sync, punch: Any) -> None:
    there = {"latitude": 52.5, "longitude": 13.4, "accuracy_m": 5}
    sync(sites=[{"site_id": OFFICE, **PLACE}])
    punch("before", **there)
    punch("after", BEN, 4, **there)
    sync(sites=[{"site_id": OFFICE, **PLACE, "latitude": 52.51, "effective_from": at(2)}])
    assert standing(engine) == {("after", "outside_fence")}


def test_a_site_that_moves_lies_elsewhere_for_the_way_to_the_next_one_too(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(sites=[{"site_id": OFFICE, **PLACE}, {"site_id": DEPOT, **PLACE}])
    punch("out", ADA, 2, out=True)
    punch("in", ADA, 3, site_id=DEPOT)
    assert standing(engine) == set()
    moved = {**PLACE, "latitude": 48.1, "effective_from": at(1.9)}
    back = {**PLACE, "effective_from": at(2.1)}
    sync(sites=[{"site_id": OFFICE, **moved}])
    sync(sites=[{"site_id": OFFICE, **back}])
    assert standing(engine) == {("in", "too_far_too_soon")}


@pytest.mark.parametrize("whose", ["the tenant's", "the site's"])
def test_a_stricter_policy_from_a_moment_accuses_nobody_of_what_came_before(
    engine: Engine, sync: Sync, punch: Any, whose: str
) -> None:
    body = {"biometric": {"method": "face", "score": 0.75, "liveness": 0.9}}
    punch("before", **body)
    punch("after", BEN, 4, **body)
    stricter = {"policy": {"biometric_min_score": 0.8}, "effective_from": at(2)}
    if whose == "the tenant's":
        sync(stricter)
    else:
        sync(sites=[{"site_id": OFFICE, **stricter}])
    assert standing(engine) == {("after", "low_score")}
    # What is said later of an earlier time counts for it, up to that moment.
    sync({"policy": {"biometric_min_score": 0.9}, "effective_from": at(-2)})
    assert standing(engine) == {("before", "low_score"), ("after", "low_score")}


def test_what_is_said_today_changes_nothing_of_yesterday(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    sync(devices=[{"device_id": "phone", "shared": False, "person_id": ADA}])
    punch("own", ADA, device_id="phone", latitude=52.5, longitude=13.4, accuracy_m=5)
    before = rows(engine, "SELECT xmin::text, * FROM anomaly")
    roster = {
        "tenant": {"tenant_id": 1, "policy": {"geofence_violation": "shadow"}},
        "sites": [{"site_id": OFFICE, "name": "New Office", **PLACE, "latitude": 10}],
        "people": [{"person_id": ADA, "deleted": True}],
        "devices": [{"device_id": "phone", "person_id": BEN}],
    }
    assert intake.sync_roster(engine, roster).refused == []
    judge(engine, 1, Heard())
    assert (rows(engine, "SELECT xmin::text, * FROM anomaly"), standing(engine)) == (before, set())


def test_a_shift_of_somebody_who_leaves_before_it_is_nobodys(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    punch("report", BEN, -30)
    sync(
        shifts=[
            shift("before", ADA),
            shift("alone", ADA, 10, 18),
            shift("covered", ADA, 20, 28, substitutes=[3]),
        ]
    )
    assert {("before", "no_show"), ("alone", "no_show"), ("covered", "no_show")} <= standing(engine)
    punch("ben", BEN, 10)
    assert ("ben", "in_place_of") in standing(engine)
    sync(people=[{"person_id": ADA, "deleted": True, "effective_from": at(9)}])
    no_shows = {subject for subject, reason in standing(engine) if reason == "no_show"}
    assert no_shows == {"before", "covered"}
    assert ("ben", "in_place_of") not in standing(engine)
    assert "Person 3" in explanations(engine)["covered"]


def test_a_tenant_whose_first_person_comes_cannot_tell_of_the_time_before(
    engine: Engine, sync: Sync, punch: Any
) -> None:
    gone = [{"person_id": person_id, "deleted": True} for person_id in range(1, 21)]
    sync(people=[row | {"correction": True} for row in gone])
    punch("before", STRANGER)
    punch("after", STRANGER + 1, 4)
    assert standing(engine) == {("before", "not_assigned"), ("after", "not_assigned")}
    sync(people=[{"person_id": 30, "name": "First", "effective_from": at(2)}])
    assert standing(engine) == {("before", "not_assigned"), ("after", "unknown_person")}
