"""`rollcall explain` prints what each detector saw, what it decided and why, also why not."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from models import intake
from models.database import make_engine, psycopg_url
from models.intake.submitter import Submitter
from tests.worker.load.world import add_punch, add_roster, add_tenant
from tests.worker.windows import ANNA, BEN, OFFICE, PEOPLE, SITES, at, check_in, shift
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


def test_the_roster_is_told_with_who_said_what_and_what_of_it_counts_then(
    company: psycopg.Connection, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = make_engine(postgres_url)
    for said, row in (
        ("-9 08:00", {"name": "Anna", "effective_from": None}),
        ("-5 08:00", {"name": "Ann"}),
        ("-4 08:00", {"name": "Annie", "effective_from": instant(at("+1 08:00"))}),
        ("-3 08:00", {"name": "Anna Bell", "correction": True}),
        ("+2 08:00", {"deleted": True}),
    ):
        roster = {
            "tenant": {"tenant_id": 9, "name": "Other", "policy": {"grace_minutes": 5}},
            "sites": [{"site_id": OFFICE, "name": "Main", "timezone": "Europe/Berlin"}],
            "people": [{"person_id": ANNA, **row}],
            "sent_at": instant(at(said)),
        }
        assert intake.sync_roster(engine, roster, by=Submitter("task", "hr")).refused == []
    assignment = {"person_id": ANNA, "site_id": OFFICE}
    times = {"starts_at": instant(at("09:00")), "ends_at": instant(at("17:00"))}
    for said, row in (("-1 08:00", {}), ("08:00", {"deleted": True})):
        roster = {
            "tenant": {"tenant_id": 9},
            "assignments": [assignment | row],
            "shifts": [] if row else [{"shift_id": "S-9", **assignment, **times}],
            "sent_at": instant(at(said)),
        }
        assert intake.sync_roster(engine, roster, by=Submitter("task", "hr")).refused == []
    add_punch(company, check_in(ANNA, OFFICE, "09:00", "P-9", device_id="phone"), 9)
    company.commit()
    engine.dispose()
    assert main(["explain", "P-9", "--tenant", "9"]) == 0
    told = capsys.readouterr().out.partition("The roster at that moment:\n")[2]
    by, later = "by task hr, holds", "laid over by what holds later or was said later, or saying"
    assert told.splitlines() == [
        "tenant, so since ever",
        f"    said 2026-02-21T08:00:00Z {by} since ever: counts (name, policy.grace_minutes)",
        f"    4 more, {later} the same",
        f"site {OFFICE}, so since ever",
        f"    said 2026-02-21T08:00:00Z {by} since ever: counts (name, timezone)",
        f"    4 more, {later} the same",
        f"person {ANNA}, so since ever until 2026-03-03T08:00:00Z",
        f"    said 2026-02-27T08:00:00Z {by} since ever, as a correction: counts (name)",
        f"    said 2026-02-26T08:00:00Z {by} from 2026-03-03T08:00:00Z: does not hold yet",
        f"    said 2026-03-04T08:00:00Z {by} from 2026-03-04T08:00:00Z: does not hold yet",
        f"    2 more, {later} the same",
        "device phone: not in the roster then",
        "assignment here from ever: said 2026-03-01T08:00:00Z by task hr, ended "
        "2026-03-02T08:00:00Z",
        "shift S-9: said 2026-03-01T08:00:00Z by task hr",
    ]
