"""Makes a known stream: what three tenants submit, the same for the same seed, and what must be
found in it whatever happens.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Punch = dict[str, Any]

# Long past, so that no moment comes during a run at which something more would be due.
FIRST_DAY = datetime(2025, 6, 2, tzinfo=UTC)
PEOPLE = 12
DISHONEST = ("mocked", "face", "elsewhere", "overlap")
SITES = (1, 2, 3, 4)
NOBODYS_SITE = 4


class Task(NamedTuple):
    name: str
    kwargs: dict[str, Any]


class Stream(NamedTuple):
    """Rosters, tasks in the order of their submission, and what must be there in the end, by
    tenant.
    """

    rosters: list[Task]
    tasks: list[Task]
    standing: dict[int, dict[str, Punch]]  # the content of each punch that is to stand, by punch_id
    voided: dict[int, set[str]]
    planted: dict[int, set[tuple[str, str]]]  # punch_id and the type of its anomaly

    @property
    def tenants(self) -> list[int]:
        return sorted(self.standing)


def make_stream(seed: int, tenants: list[int], size: int) -> Stream:
    """Make a stream of about `size` punches, a few of them corrected, voided, or submitted twice;
    singly and in batches, in any order.
    """
    chance = random.Random(seed)
    stream = Stream([_roster(tenant_id) for tenant_id in tenants], [], {}, {}, {})
    contents: list[Punch] = []
    further_tasks: list[Task] = []
    for tenant_id in tenants:
        _add_days(stream, tenant_id, size // len(tenants), chance, contents, further_tasks)
        further_tasks += _publications(tenant_id, size // 50, chance)
    contents += chance.sample(contents, len(contents) // 20)
    chance.shuffle(contents)
    stream.tasks.extend(_cut(contents, chance))
    stream.tasks.extend(further_tasks)
    chance.shuffle(stream.tasks)
    return stream


def _roster(tenant_id: int) -> Task:
    people = range(1, PEOPLE + 1)
    roster = {
        "tenant": {"tenant_id": tenant_id, "name": f"Tenant {tenant_id}"},
        "sites": [
            {"site_id": site_id, "name": f"Site {site_id}", "timezone": "UTC"} for site_id in SITES
        ],
        "people": [{"person_id": person_id, "name": f"Person {person_id}"} for person_id in people],
        "assignments": [
            {"person_id": person_id, "site_id": site_id}
            for person_id in people
            for site_id in _own_sites(person_id)
        ],
    }
    return Task("roster.sync", {"roster": roster})


def _own_sites(person_id: int) -> tuple[int, int]:
    return person_id % 3 + 1, (person_id + 1) % 3 + 1


def _add_days(
    stream: Stream,
    tenant_id: int,
    size: int,
    chance: random.Random,
    contents: list[Punch],
    further_tasks: list[Task],
) -> None:
    """Add a tenant's days: contents of punches, tasks that void some, and what must be there."""
    standing = stream.standing[tenant_id] = {}
    voided = stream.voided[tenant_id] = set()
    planted = stream.planted[tenant_id] = set()
    number = 0
    while len(standing) + len(voided) < size:
        day, person_id = divmod(number, PEOPLE)
        number += 1
        stay = _PersonDay(tenant_id, person_id + 1, FIRST_DAY + timedelta(days=day), chance)
        contents += stay.punches + stay.superseded
        standing |= {
            punch["punch_id"]: punch for punch in stay.punches if punch["punch_id"] != stay.voided
        }
        planted |= stay.planted
        if stay.voided:
            voided.add(stay.voided)
            further_tasks.append(void(tenant_id, stay.voided))


class _PersonDay:
    """A day of one person: a check-in and a check-out, four times in five honest. Most of the rest
    are dishonest in the person's own way, so that alerts gather anomalies.
    """

    def __init__(
        self, tenant_id: int, person_id: int, day: datetime, chance: random.Random
    ) -> None:
        self.punches: list[Punch] = []
        self.superseded: list[Punch] = []
        self.planted: set[tuple[str, str]] = set()
        self.voided = ""
        self._tenant_id, self._person_id, self._day, self._chance = (
            tenant_id,
            person_id,
            day,
            chance,
        )
        home, second = _own_sites(person_id)
        kind = chance.choices(
            ["honest", DISHONEST[person_id % len(DISHONEST)], chance.choice(DISHONEST)], [80, 15, 5]
        )[0]
        site_id = NOBODYS_SITE if kind == "elsewhere" else home
        check_in = self._punch("check_in", site_id, 8)
        self._punch("check_out", site_id, 16)
        getattr(self, f"_{kind}")(check_in, second)

    def _punch(self, kind: str, site_id: int, hour: int) -> Punch:
        at = self._day + timedelta(hours=hour, minutes=self._chance.randint(0, 50))
        punch = {
            "punch_id": f"{self._person_id}-{self._day:%y%m%d}-{len(self.punches)}",
            "tenant_id": self._tenant_id,
            "person_id": self._person_id,
            "site_id": site_id,
            "kind": kind,
            "occurred_at": at.isoformat(),
            "is_mock_location": False,
            "sent_at": (at + timedelta(minutes=1)).isoformat(),
        }
        self.punches.append(punch)
        return punch

    def _supersede(self, punch: Punch, **earlier: Any) -> None:
        """Give the punch a content that it had before, and that must not stand in the end; which
        of the two comes first is left to chance.
        """
        self.superseded.append(punch | earlier)
        punch["sent_at"] = (
            datetime.fromisoformat(punch["sent_at"]) + timedelta(hours=2)
        ).isoformat()

    def _honest(self, check_in: Punch, _second: int) -> None:
        if self._chance.random() < 0.05:
            self._supersede(check_in, is_mock_location=True)

    def _mocked(self, check_in: Punch, _second: int) -> None:
        check_in["is_mock_location"] = True
        self.planted.add((check_in["punch_id"], "GPS_SPOOFING"))
        if self._chance.random() < 0.2:
            self._supersede(check_in, is_mock_location=False)

    def _face(self, check_in: Punch, _second: int) -> None:
        check_in["biometric"] = {
            "method": "face",
            "score": 0.93,
            "matched_person_id": 900_000 + self._person_id,
        }
        if self._chance.random() < 0.2:
            self.voided = check_in["punch_id"]
        else:
            self.planted.add((check_in["punch_id"], "WRONG_PERSON"))

    def _elsewhere(self, check_in: Punch, _second: int) -> None:
        self.planted.add((check_in["punch_id"], "UNAUTHORIZED_SITE"))

    def _overlap(self, _check_in: Punch, second: int) -> None:
        overlapping = self._punch("check_in", second, 12)
        self._punch("check_out", second, 18)
        self.planted.add((overlapping["punch_id"], "IMPOSSIBLE_SHIFTS"))


def _publications(tenant_id: int, count: int, chance: random.Random) -> Iterator[Task]:
    """Messages that an existing app says through the same feed, with and without a site."""
    for number in range(count):
        yield publication(tenant_id, f"m{number}", chance.choice([None, *SITES]))


def publication(tenant_id: int, message_id: str, site_id: int | None) -> Task:
    message = {
        "type": "finding_created",
        "tenant_id": tenant_id,
        "message_id": message_id,
        "data": {"note": message_id},
    }
    return Task("noc.publish", {"message": message | ({"site_id": site_id} if site_id else {})})


def _cut(contents: list[Punch], chance: random.Random) -> Iterator[Task]:
    start = 0
    while start < len(contents):
        size = 1 if chance.random() < 0.7 else chance.randint(2, 40)
        part = contents[start : start + size]
        start += size
        yield batch(part) if size > 1 else Task("attendance.submit", {"punch": part[0]})


def batch(punches: list[Punch]) -> Task:
    return Task("attendance.submit_batch", {"punches": punches})


def void(tenant_id: int, punch_id: str) -> Task:
    return Task(
        "attendance.void", {"tenant_id": tenant_id, "punch_id": punch_id, "reason": "chaos"}
    )
