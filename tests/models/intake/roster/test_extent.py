"""A roster's outcome says how much lies in the time that is judged anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from models.intake import RosterOutcome, submit, sync_roster
from models.intake.roster.extent import Extent
from tests.models.intake.stored import a_punch

DAY = timedelta(days=1)
NOW = datetime.now(UTC)


def ago(days: int) -> str:
    return (NOW - days * DAY).isoformat()


def sync(engine: Engine, days_ago: int, **sections: Any) -> RosterOutcome:
    return sync_roster(engine, {"tenant": {"tenant_id": 1}, "sent_at": ago(days_ago), **sections})


def test_punches_and_shifts_in_the_time_are_counted_once(engine: Engine) -> None:
    shift = {"person_id": 7, "site_id": 15}
    sync(
        engine,
        50,
        people=[{"person_id": 7, "name": "Ada"}],
        devices=[{"device_id": "k", "shared": True}],
        shifts=[
            shift | {"shift_id": f"{days}", "starts_at": ago(days), "ends_at": ago(days - 1)}
            for days in (40, 30, 10, 2)
        ],
    )
    punches = [
        a_punch(punch_id=f"p-{days}", occurred_at=ago(days), device_id="k")
        for days in (40, 30, 20, 10, 2)
    ]
    submit(engine, [*punches, a_punch(punch_id="other", occurred_at=ago(2), person_id=8)])
    renamed = {"people": [{"person_id": 7, "name": "Eda"}]}
    assert sync(engine, 25, **renamed).extent == Extent(3, 2)
    everything = sync(
        engine,
        15,
        people=[{"person_id": 7, "name": "Ida", "correction": True}],
        devices=[{"device_id": "k", "shared": False}],
    )
    assert everything.extent == Extent(4, 3)  # 35 days back at most
    assert sync(engine, 1, people=[{"person_id": 7, "name": "Ida"}]).extent == Extent(0, 0)


def test_what_has_no_past_concerns_everybody_there(engine: Engine) -> None:
    submit(engine, [a_punch(occurred_at=ago(3)), a_punch(punch_id="p-2", occurred_at=ago(4))])
    outcome = sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "sites": [{"site_id": 15, "timezone": "UTC"}]}
    )
    assert outcome.extent == Extent(2, 0)
