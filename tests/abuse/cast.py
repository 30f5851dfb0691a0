"""What the healthy tenant and the hostile ones submit."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.chaos.stream import Task
from tests.worker.cast import NOON, imposter, punch

SITE = 15
PEOPLE = 300
# The first person whose punch is an imposter's: person 2 has the face that all imposters show.
FIRST_IMPOSTER = 10
# A task brings this many punches at most.
PUNCHES_A_TASK = 10_000

Punch = dict[str, Any]


def roster(tenant_id: int, people: int = PEOPLE) -> dict[str, Any]:
    """Return a tenant with a site and people assigned to it, without shifts or devices."""
    return {
        "tenant": {"tenant_id": tenant_id, "name": f"Tenant {tenant_id}"},
        "sites": [{"site_id": SITE, "name": "Harbour", "timezone": "Europe/Oslo"}],
        "people": [
            {"person_id": person_id, "name": f"Person {person_id}"}
            for person_id in range(1, people + 1)
        ],
        "assignments": [
            {"person_id": person_id, "site_id": SITE} for person_id in range(1, people + 1)
        ],
    }


def live_punch(tenant_id: int, number: int) -> Punch:
    """Return a punch that is an anomaly, and nobody else's business: of a person and a time of its
    own.
    """
    round_, person = divmod(number, PEOPLE - FIRST_IMPOSTER)
    moment = NOON - timedelta(days=round_, minutes=10 * (number % 50))
    return imposter(
        f"live-{number}",
        tenant_id=tenant_id,
        person_id=FIRST_IMPOSTER + person,
        occurred_at=moment.isoformat(),
    )


def pile(tenant_id: int, count: int) -> Iterator[Punch]:
    """Yield punches of one person, all in one second."""
    for number in range(count):
        moment = NOON + timedelta(seconds=1) * (number / count)
        yield punch(f"pile-{number}", tenant_id=tenant_id, occurred_at=moment.isoformat())


def undeclared_clock(tenant_id: int, count: int) -> Iterator[Punch]:
    """Yield punches of everybody at a device that no roster names, one every two seconds."""
    for number in range(count):
        moment = NOON + timedelta(seconds=2 * number)
        yield punch(
            f"clock-{number}",
            tenant_id=tenant_id,
            person_id=1 + number % PEOPLE,
            device_id="a clock",
            kind="check_in" if number // PEOPLE % 2 == 0 else "check_out",
            occurred_at=moment.isoformat(),
        )


def history(tenant_id: int, count: int) -> Iterator[Punch]:
    """Yield a working life of everybody: check-ins and check-outs of earlier days."""
    for number in range(count):
        person, turn = number % PEOPLE, number // PEOPLE
        moment = NOON - timedelta(days=1 + turn // 2, hours=0 if turn % 2 == 0 else 8)
        yield punch(
            f"history-{number}",
            tenant_id=tenant_id,
            person_id=1 + person,
            kind="check_out" if turn % 2 == 0 else "check_in",
            occurred_at=(moment + timedelta(seconds=person)).isoformat(),
        )


def planned(tenant_id: int, count: int) -> dict[str, Any]:
    """Return the shifts of such a working life."""
    days = range(1, 2 + count // PEOPLE // 2)
    return {
        "tenant": {"tenant_id": tenant_id},
        "shifts": [
            {
                "shift_id": f"shift-{person_id}-{day}",
                "person_id": person_id,
                "site_id": SITE,
                "starts_at": (NOON - timedelta(days=day, hours=8)).isoformat(),
                "ends_at": (NOON - timedelta(days=day)).isoformat(),
            }
            for person_id in range(1, PEOPLE + 1)
            for day in days
        ],
    }


def batches(punches: Iterator[Punch], *, backfill: bool = False) -> list[Task]:
    """Return the tasks that submit these punches, as many in each as a task may bring."""
    every = list(punches)
    return [
        Task(
            "attendance.submit_batch",
            {"punches": every[start : start + PUNCHES_A_TASK], "backfill": backfill},
        )
        for start in range(0, len(every), PUNCHES_A_TASK)
    ]
