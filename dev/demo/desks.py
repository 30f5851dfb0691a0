"""Two sites on the real clock, for what Rollcall sees only by waiting: somebody does not come,
somebody does not go home.

Times follow from the real moment alone, in slots, so that a restart goes on where the clock is and
repeats nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dev.demo.companies import ACME, DESK, ON_CALL, on_real_clock
from dev.simulator.company import Company, Person

# With fourteen people each comes up again after seventy minutes; their shift is an hour.
_DESK_EVERY = timedelta(minutes=5)
# With eighteen people each comes up again after eighteen hours, when the last stay is over.
_ON_CALL_EVERY = timedelta(hours=1)
_NO_SHOW, _STILL_WORKING = timedelta(minutes=31), timedelta(hours=16, minutes=20)


class Action(NamedTuple):
    """A roster or a punch that an app submits at a real moment."""

    at: datetime
    task: str
    content: dict[str, Any]


def actions(company: Company, since: datetime, until: datetime) -> list[Action]:
    """The actions that fall into (since, until], in order."""
    desk, on_call = on_real_clock(company, DESK), on_real_clock(company, ON_CALL)
    candidates = [
        action for slot in _slots(_DESK_EVERY, since, until) for action in _desk_shift(desk, *slot)
    ]
    candidates += [
        action
        for slot in _slots(_ON_CALL_EVERY, since, until)
        for action in _long_stay(on_call, *slot)
    ]
    return sorted(action for action in candidates if since < action.at <= until)


def first_punches(company: Company, at: datetime) -> list[dict[str, Any]]:
    """Punches of somebody who has been at the desk before: a site that never reported has no
    no-shows.
    """
    person = on_real_clock(company, DESK)[0]
    times = (("check_in", at), ("check_out", at + timedelta(hours=1)))
    return [_punch(f"desk-opening-{kind}", person, DESK, kind, moment) for kind, moment in times]


def _slots(every: timedelta, since: datetime, until: datetime) -> Iterator[tuple[int, datetime]]:
    """The numbered slots of which an action may fall into (since, until], with their starts."""
    first, last = (
        int((moment.timestamp()) // every.total_seconds())
        for moment in (since - timedelta(hours=1), until)
    )
    for number in range(first, last + 1):
        yield number, datetime.fromtimestamp(number * every.total_seconds(), UTC)


def _desk_shift(people: list[Person], number: int, start: datetime) -> Iterator[Action]:
    """A shift that nobody came to within half an hour; every other time the person arrives after
    all.
    """
    person, starts_at = people[number % len(people)], start - _NO_SHOW
    shift = {"shift_id": f"desk-{number}", "person_id": person.person_id, "site_id": DESK}
    shift |= {
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
    }
    yield Action(start, "roster.sync", {"tenant": {"tenant_id": ACME}, "shifts": [shift]})
    if number % 2:
        for kind, minutes in (("check_in", 2), ("check_out", 29)):
            at = start + timedelta(minutes=minutes)
            yield Action(
                at, "attendance.submit", _punch(f"desk-{number}-{kind}", person, DESK, kind, at)
            )


def _long_stay(people: list[Person], number: int, start: datetime) -> Iterator[Action]:
    """A check-in of sixteen hours ago reaches us now; the person leaves three minutes later."""
    person = people[number % len(people)]
    for kind, sent, at in (
        ("check_in", start, start - _STILL_WORKING),
        ("check_out", start + timedelta(minutes=3), start),
    ):
        yield Action(
            sent, "attendance.submit", _punch(f"on-call-{number}-{kind}", person, ON_CALL, kind, at)
        )


def _punch(punch_id: str, person: Person, site_id: int, kind: str, at: datetime) -> dict[str, Any]:
    return {
        "punch_id": punch_id,
        "tenant_id": ACME,
        "person_id": person.person_id,
        "person_name": person.name,
        "site_id": site_id,
        "kind": kind,
        "occurred_at": at.isoformat(),
        "device_id": f"kiosk-{site_id}-a",
        "biometric": {"method": "card"},
    }
