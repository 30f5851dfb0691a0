"""Uses by others are found without looking at each, and are those that a look at each finds."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policy import Policy, merged
from tests.worker.windows import ANNA, BEN, DEPOT, NEXT_DOOR, OFFICE, SITES, at, build, findings
from worker.detectors import buddy_punching
from worker.rules.bodies import impossible_uses
from worker.rules.geometry import Place, place_of, way
from worker.rules.one_tap import place_on_ways
from worker.rules.uses import MOST_NAMED, Others, Uses, nearest_first
from worker.rules.window import Device, Punch, Window, in_order

pytestmark = pytest.mark.unit

BODY = {"biometric_method": "face", "biometric_person_id": ANNA}
NOON = at("12:00")
WITHIN = timedelta(minutes=5)

seconds = st.integers(-400, 400)
people = st.sampled_from([ANNA, BEN, 3])
sites = st.sampled_from([OFFICE, DEPOT, NEXT_DOOR])
kinds = st.sampled_from(["check_in", "check_out", "tap"])
uses = st.lists(st.tuples(seconds, people, sites, kinds, st.booleans()), max_size=40)
DEVICES = (None, "x", "y")


def punches_of(rows: Sequence[tuple[int, int, int, str, bool]], **fields: Any) -> list[Punch]:
    """Return a punch a row; the last column says whether its place is known by a fix."""
    fix: dict[str, Any] = {"latitude": 52.5, "longitude": 13.4, "accuracy_m": 5.0}
    punches = [
        Punch(
            f"p{number}",
            person,
            site,
            kind != "check_out",
            NOON + timedelta(seconds=second // 10 * 10),
            is_tap=kind == "tap",
            device_id=DEVICES[number % len(DEVICES)],
            **(fix if has_fix else {}),
            **fields,
        )
        for number, (second, person, site, kind, has_fix) in enumerate(rows)
    ]
    return sorted(punches, key=in_order)


def named(punch: Punch, others: Sequence[Punch]) -> Others:
    """Return them as a finding names them."""
    return Others(len(others), sorted(others, key=partial(nearest_first, punch))[:MOST_NAMED])


@given(rows=uses, owner=people, second=seconds)
def test_uses_of_others_are_those_that_a_look_at_each_finds(
    rows: list[tuple[int, int, int, str, bool]], owner: int, second: int
) -> None:
    punches = punches_of(rows)
    moment = NOON + timedelta(seconds=second)
    found = Uses(punches, lambda punch: punch.person_id)
    others = found.others(owner, moment, *found.places(moment - WITHIN, moment + WITHIN))
    assert others == named(
        Punch("asked", owner, OFFICE, True, moment),
        [p for p in punches if p.person_id != owner and abs(p.occurred_at - moment) <= WITHIN],
    )


def may_have_gone(window: Window, punch: Punch, other: Punch, policy: Policy) -> bool:
    """Whether the two may be a check-out and then a check-in, with time enough for the way, however
    their clocks may differ: a tap may be either.
    """
    return _may_have_gone(window, punch, other, policy) or _may_have_gone(
        window, other, punch, policy
    )


def _may_have_gone(window: Window, check_out: Punch, check_in: Punch, policy: Policy) -> bool:
    if (check_out.is_check_in and not check_out.is_tap) or not check_in.is_check_in:
        return False
    is_one_clock = check_in.device_id is not None and check_in.device_id == check_out.device_id
    slack = 0.0 if is_one_clock else policy.clock_slack_seconds
    seconds = (check_in.occurred_at - check_out.occurred_at).total_seconds()
    if seconds + slack < 0:
        return False
    start, end = _place(window, check_out), _place(window, check_in)
    if start is None or end is None:
        return True
    gone = way(start, end, seconds, policy, slack)
    return not gone.is_beyond(policy.min_travel_km, policy.max_travel_speed_kmh)


def _place(window: Window, use: Punch) -> Place | None:
    """Return where ways go to and from: of a tap of several by its fix, of a punch that was taken
    as somebody else's by its own.
    """
    return (place_on_ways if use.person_id == ANNA else place_of)(window, use)


@given(
    rows=uses,
    known=st.sets(sites),
    strict=st.sets(sites),
    slack=st.sampled_from([0, 30, 120]),
)
def test_uses_of_a_body_that_leave_no_time_are_those_that_a_look_at_each_finds(
    rows: list[tuple[int, int, int, str, bool]], known: set[int], strict: set[int], slack: int
) -> None:
    """Where a use was is for the policy of its own site to say: to strict ones all fixes are too
    coarse.
    """
    policy = merged(
        {"max_travel_speed_kmh": 40, "min_travel_km": 0.1, "clock_slack_seconds": slack}
    )
    window = build(
        punches_of(rows, **BODY),
        sites=[site for site in SITES if site.site_id in known],
        site_policies={site_id: {"coarse_fix_cap_m": 1} for site_id in strict},
    )
    some = window.biometric_uses.get(ANNA, ())
    for punch in some:
        impossible = [
            other
            for other in some
            if other.site_id != punch.site_id
            and abs(other.occurred_at - punch.occurred_at) <= WITHIN
            and not may_have_gone(window, punch, other, policy)
        ]
        assert impossible_uses(window, ANNA, punch, WITHIN, policy) == named(punch, impossible)


@pytest.mark.parametrize("count", [MOST_NAMED, MOST_NAMED + 1, 300])
def test_evidence_names_the_nearest_ten_and_counts_all(count: int) -> None:
    punches = [
        Punch(f"b{number:03}", BEN, OFFICE, True, NOON + timedelta(seconds=number), device_id="x")
        for number in range(1, count + 1)
    ]
    mine = Punch("a", ANNA, OFFICE, True, NOON, device_id="x")
    window = build([mine, *punches], devices=[Device("x", False)])
    (finding,) = [f for f in findings(buddy_punching, window) if f.subject.punch_id == "a"]
    nearest = [f"b{number:03}" for number in range(1, MOST_NAMED + 1)]
    assert finding.evidence["punches"] == ["a", *nearest]
    assert finding.evidence.get("others") == (count if count > MOST_NAMED else None)
    assert finding.evidence["observed"] == 1.0
