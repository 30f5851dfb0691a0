"""`rollcall explain` prints what each detector saw, what it decided and why, also why not."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from typing import Any

import psycopg
import pytest

from models import intake
from models.database import make_engine, psycopg_url
from models.intake.submitter import Submitter
from tests.worker.load.world import add_punch, add_roster, add_tenant
from tests.worker.windows import (
    ANNA,
    BEN,
    OFFICE,
    PEOPLE,
    SITES,
    at,
    check_in,
    check_out,
    shift,
    tap,
)
from worker.__main__ import main
from worker.registry import DETECTORS
from worker.rules.evidence import instant
from worker.rules.window import Assignment


@pytest.fixture
def company(
    postgres_url: str, settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        add_tenant(connection)
        add_roster(connection, sites=SITES, people=PEOPLE, assignments=[Assignment(ANNA, OFFICE)])
        yield connection


def test_a_finding_is_told_with_its_numbers_and_the_rest_with_why_not(
    company: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add_punch(
        company,
        check_in(BEN, OFFICE, "09:00", "P-1", latitude=52.5, longitude=13.4, accuracy_m=5.0),
    )
    company.commit()
    assert main(["explain", "P-1", "--tenant", "1"]) == 0
    output = capsys.readouterr().out
    assert "punch P-1: check-in of Ben at Main Office, 2026-03-02 10:00" in output
    assert "not_assigned, CRITICAL 0.90: Checked in at Main Office" in output
    assert "no outside_fence: it is within the fence" in output
    assert "no unscheduled: no shift at the site is within 24 h: no roster" in output
    assert "UNAUTHORIZED_SITE stands: not_assigned, CRITICAL, fraud score 0.63" in output
    assert all(detector.TYPE in output for detector in DETECTORS)


def test_a_tap_is_told_as_one_and_claims_no_direction(
    company: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add_punch(company, check_out(BEN, OFFICE, "08:30"))
    add_punch(company, tap(BEN, OFFICE, "09:00", "P-1", is_mock_location=True))
    add_punch(company, check_in(BEN, OFFICE, "09:30"))
    company.commit()
    assert main(["explain", "P-1", "--tenant", "1"]) == 0
    output = capsys.readouterr().out
    assert "punch P-1: tap of Ben at Main Office, 2026-03-02 10:00" in output
    assert "before it: check-out of Ben at Main Office, 2026-03-02 09:30" in output
    assert "after it:  check-in of Ben at Main Office, 2026-03-02 10:30" in output
    assert "Punched from a phone that reports a mock location." in output


def test_a_shift_can_be_explained(
    company: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add_punch(company, check_in(ANNA, OFFICE, "-3 09:00"))
    add_roster(company, shifts=[shift(ANNA, OFFICE, "09:00", "17:00", "S-1")])
    company.commit()
    assert main(["explain", "S-1", "--tenant", "1", "--shift"]) == 0
    assert (
        "no_show, HIGH 0.95: Nobody entitled came for the shift of Anna" in capsys.readouterr().out
    )


def test_a_detector_that_crashes_says_so_beside_the_others(
    company: psycopg.Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_punch(company, check_in(BEN, OFFICE, "09:00", "P-1", is_mock_location=True))
    company.commit()
    monkeypatch.setattr("worker.detectors.wrong_person.in_place_of", lambda *_: 1 / 0)
    assert main(["explain", "P-1", "--tenant", "1"]) == 0
    output = capsys.readouterr().out
    assert "crashed, and decides nothing: ZeroDivisionError('division by zero')" in output
    assert "GPS_SPOOFING stands: mock_location" in output


@pytest.mark.parametrize("tenant", ["1", "2"], ids=["no such punch", "no such tenant"])
def test_what_is_not_there_cannot_be_explained(
    company: psycopg.Connection, capsys: pytest.CaptureFixture[str], tenant: str
) -> None:
    company.commit()
    assert main(["explain", "nothing", "--tenant", tenant]) == 1
    assert f"tenant {tenant}" in capsys.readouterr().err


def test_instants_end_in_z() -> None:
    assert instant(at("09:00") + timedelta(microseconds=5)) == "2026-03-02T09:00:00.000005Z"
    assert instant(at("09:00")) == "2026-03-02T09:00:00Z"


HR = Submitter("task", "hr")


class Told:
    """A tenant of which rosters are said, and a punch of Anna's at 09:00 that is explained."""

    def __init__(self, company: psycopg.Connection, url: str, capsys: Any) -> None:
        self.company, self.url, self.capsys = company, url, capsys

    def say(self, said: str, **roster: Any) -> None:
        """Say this at a moment; `tenant` is its row."""
        tenant = {"tenant_id": 9, **roster.pop("tenant", {})}
        roster |= {"tenant": tenant, "sent_at": instant(at(said))}
        engine = make_engine(self.url)
        assert intake.sync_roster(engine, roster, by=HR).refused == []
        engine.dispose()

    def begin(self) -> None:
        self.say(
            "-9 08:00",
            tenant={"name": "Other"},
            sites=[{"site_id": OFFICE, "name": "Main", "timezone": "Europe/Berlin"}],
            people=[{"person_id": ANNA, "name": "Anna"}],
        )

    def explained(self, row: str) -> list[str]:
        """Return the lines on a row, of which the first begins with `row`."""
        add_punch(self.company, check_in(ANNA, OFFICE, "09:00", "P-9", device_id="phone"), 9)
        self.company.commit()
        assert main(["explain", "P-9", "--tenant", "9"]) == 0
        output = self.capsys.readouterr().out.partition("The roster at that moment:\n")[2]
        lines = iter(output.splitlines())
        first = next(line for line in lines if line.startswith(row))
        return [first, *(line.strip() for line in takewhile(lambda one: one[0] == " ", lines))]


@pytest.fixture
def other(
    company: psycopg.Connection, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> Told:
    return Told(company, postgres_url, capsys)


def said(when: str, outcome: str, holds: str = "") -> str:
    """Return the line on a statement, which holds from when it was said unless `holds` says it."""
    moment = instant(at(when))
    return f"said {moment} by task hr, holds {holds or f'from {moment}'}: {outcome}"


def test_the_roster_is_told_with_who_said_what_and_what_became_of_it(
    company: psycopg.Connection, other: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    for when, row in (
        ("-9 08:00", {"name": "Anna", "effective_from": None}),
        ("-5 08:00", {"name": "Ann"}),
        ("-4 08:00", {"name": "Annie", "effective_from": instant(at("+1 08:00"))}),
        ("-3 08:00", {"name": "Anna Bell", "correction": True}),
        ("+2 08:00", {"deleted": True}),
    ):
        other.say(
            when,
            tenant={"name": "Other", "policy": {"grace_minutes": 5}},
            sites=[{"site_id": OFFICE, "name": "Main", "timezone": "Europe/Berlin"}],
            people=[{"person_id": ANNA, **row}],
        )
    assignment = {"person_id": ANNA, "site_id": OFFICE}
    times = {"starts_at": instant(at("09:00")), "ends_at": instant(at("17:00"))}
    shifts = [{"shift_id": "S-9", **assignment, **times}]
    other.say("-1 08:00", assignments=[assignment], shifts=shifts)
    other.say("08:00", assignments=[assignment | {"deleted": True}])
    add_punch(company, check_in(ANNA, OFFICE, "09:00", "P-9", device_id="phone"), 9)
    company.commit()
    assert main(["explain", "P-9", "--tenant", "9"]) == 0
    told = capsys.readouterr().out.partition("The roster at that moment:\n")[2]
    first, later = "since ever", "2026-03-03T08:00:00Z"
    assert told.splitlines() == [
        "tenant, so since ever",
        "    " + said("-9 08:00", "counts (name, policy.grace_minutes)", first),
        "    4 more, which change nothing",
        f"site {OFFICE}, so since ever",
        "    " + said("-9 08:00", "counts (name, timezone)", first),
        "    4 more, which change nothing",
        f"person {ANNA}, so since ever until {later}",
        "    " + said("-9 08:00", "laid over (name)", first),
        "    " + said("-5 08:00", "laid over (name)"),
        "    " + said("-3 08:00", "counts (name)", "since ever, as a correction"),
        "    " + said("-4 08:00", "does not hold yet (name)", f"from {later}"),
        "    " + said("+2 08:00", "does not hold yet"),
        "device phone: not in the roster then",
        "assignment here from ever: said 2026-03-01T08:00:00Z by task hr, ended "
        "2026-03-02T08:00:00Z",
        "shift S-9: said 2026-03-01T08:00:00Z by task hr",
    ]


STRICT = {"grace_minutes": 5.0, "kiosk_people": 2}


@pytest.mark.parametrize(
    ("statements", "lines"),
    [
        pytest.param(
            [("-5 08:00", {"policy": None}), ("-4 08:00", {"policy": {}, "radius_m": None})],
            ["2 more, which change nothing"],
            id="clearing what nobody said",
        ),
        pytest.param(
            [("-5 08:00", {"policy": {"grace_minutes": None}})],
            ["1 more, which changes nothing"],
            id="clearing a key that nobody said",
        ),
        pytest.param(
            [("-5 08:00", {"policy": STRICT}), ("-4 08:00", {"policy": None})],
            [
                said("-5 08:00", "laid over (policy.grace_minutes, policy.kiosk_people)"),
                said(
                    "-4 08:00",
                    "counts (policy.grace_minutes cleared, policy.kiosk_people cleared)",
                ),
            ],
            id="clearing a policy",
        ),
        pytest.param(
            [
                ("-5 08:00", {"policy": STRICT}),
                ("-4 08:00", {"policy": {}}),
                ("-3 08:00", {"policy": {"grace_minutes": None}}),
            ],
            [
                said("-5 08:00", "counts (policy.kiosk_people); laid over (policy.grace_minutes)"),
                said("-3 08:00", "counts (policy.grace_minutes cleared)"),
                "1 more, which changes nothing",
            ],
            id="clearing a key",
        ),
        pytest.param(
            [("-5 08:00", {"policy": None, "effective_from": "2026-04-01T00:00:00Z"})],
            ["1 more, which changes nothing"],
            id="planning to clear what nobody said",
        ),
        pytest.param(
            [
                ("-5 08:00", {"policy": STRICT}),
                ("-4 08:00", {"policy": None, "effective_from": "2026-04-01T00:00:00Z"}),
                ("-3 08:00", {"policy": None, "effective_from": "2026-04-01T00:00:00Z"}),
            ],
            [
                said("-5 08:00", "counts (policy.grace_minutes, policy.kiosk_people)"),
                said(
                    "-4 08:00",
                    "does not hold yet (policy.grace_minutes cleared, policy.kiosk_people cleared)",
                    "from 2026-04-01T00:00:00Z",
                ),
                "1 more, which changes nothing",
            ],
            id="planning to clear a policy, each night anew",
        ),
        pytest.param(
            [
                ("-5 08:00", {"radius_m": 50.0}),
                ("-4 08:00", {"radius_m": 80.0, "effective_from": "2026-04-01T00:00:00Z"}),
                ("-3 08:00", {"radius_m": 50.0, "effective_from": "2026-05-01T00:00:00Z"}),
            ],
            [
                said("-5 08:00", "counts (radius_m)"),
                said("-4 08:00", "does not hold yet (radius_m)", "from 2026-04-01T00:00:00Z"),
                said("-3 08:00", "does not hold yet (radius_m)", "from 2026-05-01T00:00:00Z"),
            ],
            id="one plan after the other",
        ),
        pytest.param(
            [("-5 08:00", {"radius_m": 50.0}), ("-5 08:00", {"radius_m": 80.0})],
            [said("-5 08:00", "laid over (radius_m)"), said("-5 08:00", "counts (radius_m)")],
            id="two at one moment",
        ),
        pytest.param(
            [
                ("-5 08:00", {"radius_m": 50.0, "latitude": 52.5, "longitude": 13.4}),
                ("-4 08:00", {"radius_m": 80.0}),
                ("-3 08:00", {"radius_m": 80.0}),
            ],
            [
                said("-5 08:00", "counts (latitude, longitude); laid over (radius_m)"),
                said("-4 08:00", "counts (radius_m)"),
                "1 more, which changes nothing",
            ],
            id="one field laid over and repeated",
        ),
        pytest.param(
            [
                ("-5 08:00", {"radius_m": 50.0, "effective_from": "2026-02-25"}),
                ("-4 08:00", {"radius_m": 80.0, "correction": True}),
            ],
            [
                said("-5 08:00", "laid over (radius_m)", "from 2026-02-24T23:00:00Z"),
                said("-4 08:00", "counts (radius_m)", "since ever, as a correction"),
            ],
            id="a correction said later",
        ),
    ],
)
def test_only_what_a_statement_changes_counts(
    other: Told, statements: list[tuple[str, dict[str, Any]]], lines: list[str]
) -> None:
    other.begin()
    for when, row in statements:
        other.say(when, sites=[{"site_id": OFFICE, **row}])
    first = said("-9 08:00", "counts (name, timezone)", "since ever")
    assert other.explained(f"site {OFFICE}")[1:] == [first, *lines]


def test_a_time_zone_counts_whenever_its_statement_holds(other: Told) -> None:
    other.begin()
    tokyo = {"timezone": "Asia/Tokyo", "name": "Eki", "effective_from": "2026-04-01"}
    other.say("+1 08:00", sites=[{"site_id": OFFICE, **tokyo}])
    assert other.explained(f"site {OFFICE}")[1:] == [
        said("-9 08:00", "counts (name); laid over (timezone)", "since ever"),
        said(
            "+1 08:00", "counts (timezone); does not hold yet (name)", "from 2026-03-31T15:00:00Z"
        ),
    ]


def test_days_of_a_site_that_never_was_there_are_told_by_the_zone_said_of_it(other: Told) -> None:
    other.begin()
    other.say(
        "-5 08:00", sites=[{"site_id": OFFICE, "radius_m": 50, "effective_from": "2026-02-25"}]
    )
    other.say("-4 08:00", sites=[{"site_id": OFFICE, "deleted": True, "correction": True}])
    assert other.explained(f"site {OFFICE}")[2] == said(
        "-5 08:00", "removed (radius_m)", "from 2026-02-24T23:00:00Z"
    )


def test_who_left_and_returned_is_told_with_what_was_removed(other: Told) -> None:
    other.begin()
    for when in ("-5 08:00", "-4 08:00"):
        other.say(when, people=[{"person_id": ANNA, "deleted": True}])
    removed = [
        said("-9 08:00", "removed (name)", "since ever"),
        said("-5 08:00", "removed what was said before"),
    ]
    repeated = "1 more, which changes nothing"
    gone = [f"person {ANNA}: not in the roster then", *removed, repeated]
    other.say("+1 08:00", people=[{"person_id": ANNA, "name": "Anna"}])
    not_yet = said("+1 08:00", "does not hold yet (name)")
    assert other.explained("person") == [*gone[:-1], not_yet, repeated]


def test_who_returned_in_time_counts_by_what_was_said_then(other: Told) -> None:
    other.begin()
    other.say("-5 08:00", people=[{"person_id": ANNA, "deleted": True}])
    other.say("-3 08:00", people=[{"person_id": ANNA, "name": "Anna"}])
    assert other.explained("person") == [
        f"person {ANNA}, so since 2026-02-27T08:00:00Z",
        said("-9 08:00", "removed (name)", "since ever"),
        said("-5 08:00", "removed what was said before"),
        said("-3 08:00", "counts (name)"),
    ]


def test_a_row_that_lacks_what_it_requires_is_told_with_that(other: Told) -> None:
    other.begin()
    other.say("-5 08:00", devices=[{"device_id": "phone", "person_id": ANNA}])
    assert other.explained("device") == [
        "device phone: not in the roster then: it has no shared",
        said("-5 08:00", "counts (person_id)", "since ever"),
    ]


@pytest.mark.parametrize(
    ("when", "row", "counts"),
    [
        ("-1 08:00", {"deleted": True}, "removed {}: before its start: it counts nowhere"),
        ("+1 08:00", {"deleted": True}, "removed {}: after its start: it goes on counting"),
        ("+1 08:00", {"deleted": True, "correction": True}, "removed {}: it never was"),
        ("+1 08:00", {"cancelled": True}, ": it is cancelled and counts nowhere"),
    ],
)
def test_a_shift_is_told_with_as_what_it_counts(
    other: Told, when: str, row: dict[str, Any], counts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other.begin()
    times = {"starts_at": instant(at("09:00")), "ends_at": instant(at("17:00"))}
    key = {"shift_id": "S-9"}
    other.say("-3 08:00", shifts=[{**key, "person_id": ANNA, "site_id": OFFICE, **times}])
    other.say(when, shifts=[{**key, **row}])
    (line,) = other.explained("shift S-9")
    assert line.endswith(counts.format(instant(at(when))))
    main(["explain", "S-9", "--tenant", "9", "--shift"])
    output = capsys.readouterr()
    assert line in (output.err if "nowhere" in line or "never" in line else output.out)


def test_an_assignment_that_never_was_is_told_as_that(other: Told) -> None:
    other.begin()
    assignment = {"person_id": ANNA, "site_id": OFFICE}
    other.say("-3 08:00", assignments=[assignment])
    other.say("+1 08:00", assignments=[{**assignment, "deleted": True, "correction": True}])
    (line,) = other.explained("assignment")
    assert line.endswith(f"ended {instant(at('+1 08:00'))}: it never was")


def test_an_assignment_of_somebody_who_roves_is_told_as_that(other: Told) -> None:
    other.begin()
    roving = {"person_id": ANNA, "site_id": OFFICE, "valid_from": "2026-03-01", "roving": True}
    other.say("-3 08:00", assignments=[roving])
    (line,) = other.explained("assignment")
    assert line.startswith("assignment here from 2026-03-01, roving: said ")


def test_a_punch_of_somebody_merged_says_whose_it_is(other: Told) -> None:
    other.begin()
    add_punch(other.company, check_in(ANNA, OFFICE, "08:00", "P-8", device_id="phone"), 9)
    other.company.commit()
    other.say("-3 08:00", people=[{"person_id": BEN, "name": "Ben"}])
    other.say("-3 09:00", people=[{"person_id": ANNA, "name": "Anna", "merged_into": BEN}])
    assert main(["explain", "P-8", "--tenant", "9"]) == 0
    said = f"the punch said person {ANNA}: merged, it counts for person {BEN}"
    assert said in other.capsys.readouterr().out


def test_a_holiday_of_the_site_is_told_as_that(other: Told) -> None:
    other.begin()
    holiday = {"absence_id": "h-1", "site_id": OFFICE, "from": "2026-03-02T08:00:00Z"}
    other.say("-3 08:00", absences=[holiday | {"to": "2026-03-02"}])
    (of_site,) = other.explained("absence of the site")
    assert of_site.startswith(
        "absence of the site h-1 from 2026-03-02T08:00:00Z to 2026-03-02: said "
    )


def test_an_absence_that_was_removed_is_told_as_that(other: Told) -> None:
    other.begin()
    leave = {"absence_id": "l-1", "person_id": ANNA, "from": "2026-03-01", "to": "2026-03-02"}
    other.say("-3 08:00", absences=[leave])
    other.say("-2 08:00", absences=[{"absence_id": "l-1", "deleted": True}])
    (line,) = other.explained("absence")
    assert line.startswith("absence l-1 from 2026-03-01 to 2026-03-02: said ")
    assert line.endswith(": it never was")


def test_a_shift_is_told_with_the_rows_of_its_substitutes(
    other: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    other.begin()
    times = {"starts_at": instant(at("09:00")), "ends_at": instant(at("17:00"))}
    shift_ = {"person_id": ANNA, "site_id": OFFICE, "substitutes": [BEN], **times}
    other.say("-3 08:00", shifts=[{"shift_id": "S-9", **shift_}])
    assert main(["explain", "S-9", "--tenant", "9", "--shift"]) == 0
    assert f"person {BEN}: not in the roster then" in capsys.readouterr().out
