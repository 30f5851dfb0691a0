"""A silent source: what nobody has been heard of in is not taken for people's absence."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    DORA,
    OFFICE,
    at,
    build,
    check_in,
    check_out,
    findings,
    shift,
)
from worker.detectors import schedule_mismatch
from worker.rules.finding import Finding
from worker.rules.window import Punch, Shift, Window

CREW = tuple(range(101, 121))


def due(
    people: Sequence[int], starts: str = "08:00", ends: str = "16:00", site: int = OFFICE
) -> list[Shift]:
    return [shift(person, site, starts, ends, f"s{person} {starts}") for person in people]


def before(people: Iterable[int], site: int = OFFICE, **fields: Any) -> list[Punch]:
    """Return that these people came and went the day before."""
    return [
        punch
        for person in people
        for punch in (
            check_in(person, site, "-1 08:00", f"in {person} -1", **fields),
            check_out(person, site, "-1 16:00", f"out {person} -1", **fields),
        )
    ]


def no_shows(window: Window) -> list[Finding]:
    return [
        finding
        for finding in findings(schedule_mismatch, window)
        if finding.reason in ("no_show", "no_show_unheard")
    ]


def missed(window: Window) -> dict[str, str]:
    """Return by shift_id why a shift that nobody came for is an anomaly."""
    return {finding.subject.shift_id: finding.reason for finding in no_shows(window)}


def reasons_of(punches: list[Punch], shifts: list[Shift], **more: Any) -> set[str]:
    return set(missed(build(punches, shifts, **{"as_of": "10:00", **more})).values())


def test_three_people_of_whom_nothing_was_heard_are_unheard_and_two_are_missing() -> None:
    three = (ANNA, BEN, CARL)
    assert reasons_of(before(three), due(three)) == {"no_show_unheard"}
    assert reasons_of(before(three), due(three[:2])) == {"no_show"}
    assert reasons_of(before(three), due(three[:2]), policy={"silent_people": 2}) == {
        "no_show_unheard"
    }
    # Two shifts of one person are of one.
    again = due((ANNA,), "09:00", "17:00")
    assert reasons_of(before(three), due(three[:2]) + again) == {"no_show"}


def test_it_says_that_nothing_came_of_the_site() -> None:
    window = build(before((ANNA,)), due((ANNA, BEN, CARL)), as_of="10:00")
    finding = no_shows(window)[0]
    assert (finding.severity, finding.confidence) == ("LOW", 0.40)
    assert finding.explanation == (
        "Nobody entitled came for the shift of Anna from 2026-03-02 09:00 to 2026-03-02 17:00; "
        "30 min after its start were allowed; but nothing came of Main Office at that "
        "time, while others were due as well."
    )
    assert finding.evidence["device_id"] is None


def test_what_it_says_stays_the_same_while_the_silence_goes_on_or_is_split() -> None:
    punches, shifts = before((ANNA,)), due((ANNA, BEN, CARL)) + due((DORA,), "09:00", "17:00")
    early = no_shows(build(punches, shifts[:3], as_of="08:31"))
    late = no_shows(build(punches, shifts, as_of="10:00"))
    assert early == late[:3]
    assert len(late) == 4
    split = [*punches, check_in(DORA, DEPOT, "05:00"), check_out(DORA, OFFICE, "07:00")]
    assert no_shows(build(split, shifts, as_of="10:00")) == late


def test_who_has_not_waited_long_enough_counts_from_when_they_have() -> None:
    shifts = due((ANNA, BEN)) + due((CARL,), "09:00", "17:00")
    punches = before((ANNA,))
    assert reasons_of(punches, shifts, as_of="09:30") == {"no_show"}
    assert reasons_of(punches, shifts, as_of="09:30:01") == {"no_show_unheard"}


def test_a_silence_ends_with_the_next_punch_of_anybody() -> None:
    three = (ANNA, BEN, CARL)
    heard = check_out(DORA, OFFICE, "08:30")
    # By 08:30 nobody had waited for more than half an hour: the site was heard in time.
    assert reasons_of([*before(three), heard], due(three)) == {"no_show"}
    later = check_out(DORA, OFFICE, "08:30:01")
    assert reasons_of([*before(three), later], due(three)) == {"no_show_unheard"}
    elsewhere = check_out(DORA, DEPOT, "08:10")
    assert reasons_of([*before(three), elsewhere], due(three)) == {"no_show_unheard"}
    # At the start itself it begins a silence of its own, in which the shifts began.
    assert reasons_of([*before(three), check_out(DORA, OFFICE, "08:00")], due(three)) == {
        "no_show_unheard"
    }


def test_a_shift_that_begins_towards_the_end_of_a_silence_began_in_it() -> None:
    punches = [*before((ANNA, BEN, CARL)), check_out(101, OFFICE, "09:10")]
    shifts = due((ANNA, BEN, CARL)) + due((DORA,), "09:00", "17:00")
    assert missed(build(punches, shifts, as_of="10:00"))["s4 09:00"] == "no_show_unheard"


def test_more_than_one_in_ten_who_were_heard_of_make_the_others_missing() -> None:
    early = [check_in(person, OFFICE, "07:50", f"in {person}") for person in CREW]
    for heard, people, reason in (
        (1, 10, "no_show_unheard"),
        (1, 9, "no_show"),
        (2, 20, "no_show_unheard"),
        (3, 20, "no_show"),
    ):
        shifts = due(CREW[:people])
        assert reasons_of(before(CREW) + early[:heard], shifts) == {reason}, (heard, people)


def test_who_comes_once_the_source_is_back_was_not_heard_of_before() -> None:
    three = (ANNA, BEN, CARL)
    late = [check_in(person, OFFICE, "09:40", f"in {person}") for person in (ANNA, BEN)]
    window = build([*before(three), *late], due(three), as_of="10:00")
    assert missed(window) == {"s3 08:00": "no_show_unheard"}


def test_who_stays_on_from_before_tells_nothing() -> None:
    night = [check_in(person, OFFICE, "-1 22:00", f"in {person}") for person in (ANNA, BEN)]
    shifts = due((ANNA, BEN, CARL, DORA, 101))
    assert reasons_of([*before((CARL,)), *night], shifts) == {"no_show_unheard"}
    # Two who stayed and one who is missing are not three of whom nothing was heard.
    assert reasons_of([*before((CARL,)), *night], shifts[:3]) == {"no_show"}


def test_what_is_handed_in_late_splits_the_silence_and_decides() -> None:
    shifts = due(CREW)
    silent = before(CREW)
    assert reasons_of(silent, shifts) == {"no_show_unheard"}
    back = [check_in(person, OFFICE, f"08:0{person % 5}", f"in {person}") for person in CREW[:-1]]
    assert missed(build(silent + back, shifts, as_of="10:00")) == {f"s{CREW[-1]} 08:00": "no_show"}


def test_a_device_of_several_people_may_be_silent_beside_others_that_are_not() -> None:
    by_gate = before((ANNA, BEN, CARL), device_id="gate")
    by_door = before(CREW[:9], device_id="door")
    here = [
        check_in(person, OFFICE, f"08:0{number}", f"in {person}", device_id="door")
        for number, person in enumerate(CREW[:9])
    ]
    shifts = due((ANNA, BEN, CARL, *CREW[:9]))
    window = build([*by_gate, *by_door, *here], shifts, as_of="10:00")
    assert missed(window) == {f"s{person} 08:00": "no_show_unheard" for person in (1, 2, 3)}
    finding = no_shows(window)[0]
    assert finding.evidence["device_id"] == "gate"
    assert "nothing came of the device gate, by which the person usually punches here, at" in (
        finding.explanation
    )
    # Wherever it is heard of, it works.
    abroad = check_in(DORA, DEPOT, "08:05", device_id="gate")
    assert set(
        missed(build([*by_gate, *by_door, *here, abroad], shifts, as_of="10:00")).values()
    ) == {"no_show"}
    # Who usually punches by another one is not among those it would have told of.
    other = by_gate[:4] + before((CARL,), device_id="door")
    assert reasons_of([*other, *by_door, *here], shifts) == {"no_show"}


def test_the_device_brought_nine_in_ten_of_the_punches_there() -> None:
    def days(by_gate: int, otherwise: int) -> list[Punch]:
        """Return so many punches of each of three people by either."""
        return [
            check_in(
                person,
                OFFICE,
                "-1 08:00",
                f"{person} {number}",
                device_id="gate" if number < by_gate else None,
            )._replace(occurred_at=at("-2 08:00") + timedelta(minutes=20 * number + person))
            for person in (ANNA, BEN, CARL)
            for number in range(by_gate + otherwise)
        ]

    here = check_out(DORA, OFFICE, "08:05", device_id="door")
    shifts = due((ANNA, BEN, CARL))
    assert reasons_of([*days(9, 1), here], shifts) == {"no_show_unheard"}
    assert reasons_of([*days(8, 1), here], shifts) == {"no_show"}


def test_more_than_four_days_apart_shifts_tell_of_no_common_silence() -> None:
    rostered = due((ANNA, BEN)) + due((CARL,), "+4 08:00", "+4 16:00")
    punches = before((ANNA,))
    assert reasons_of(punches, rostered, as_of="+5 00:00") == {"no_show_unheard"}
    rostered = due((ANNA, BEN)) + due((CARL,), "+4 08:00:01", "+4 16:00")
    assert reasons_of(punches, rostered, as_of="+5 00:00") == {"no_show"}


def test_where_somebody_stood_in_the_silence_is_no_excuse() -> None:
    stranger = check_in(DORA, OFFICE, "07:30")
    window = build([*before((ANNA, BEN, CARL)), stranger], due((ANNA, BEN, CARL)), as_of="10:00")
    reasons = {f.reason for f in findings(schedule_mismatch, window) if f.subject.shift_id}
    assert reasons == {"stood_in_for"}


def test_a_site_that_never_reported_is_still_no_source_at_all() -> None:
    assert reasons_of([], due((ANNA, BEN, CARL)), first_punch_at={}) == set()
