"""Waiting until all that was submitted is stored and judged; sending again what the broker lost,
and counting it.
"""

import time

from tests.chaos.house import House
from tests.chaos.stream import Stream, Task, batch, void
from tests.chaos.submitter import Submitter

SETTLE_SECONDS = 180
LOOK_SECONDS = 0.25
# So many looks in a row at an empty broker, with something missing, and it is lost.
LOOKS = 8

_STORED = "SELECT tenant_id, punch_id, voided_at IS NOT NULL, is_mock_location FROM punch WHERE tenant_id = ANY(%s)"
_WAITING = """
SELECT (SELECT count(*) FROM pending WHERE tenant_id = ANY(%(tenants)s))
     + (SELECT count(*) FROM roster_change WHERE tenant_id = ANY(%(tenants)s)),
       (SELECT count(*) FROM tenant WHERE tenant_id = ANY(%(tenants)s))
"""


class NeverSettled(AssertionError):
    """Something that was submitted is neither stored nor lost by the broker, or is not judged."""


def settle(
    house: House, stream: Stream, submitter: Submitter | None = None, *, nothing: bool = False
) -> int:
    """How many tasks were sent again. `nothing`: only the rosters were submitted, and the answer is
    whether they are settled.
    """
    if nothing:
        return int(not _waits(house, stream))
    assert submitter is not None
    deadline, idle, again = time.monotonic() + SETTLE_SECONDS, 0, 0
    while missing := missing_tasks(house, stream):
        idle = idle + 1 if _is_idle(house) else 0
        if idle == LOOKS:
            for task in missing:
                submitter.send(task)
            again, idle = again + len(missing), 0
        if time.monotonic() > deadline:
            raise NeverSettled(f"{len(missing)} tasks are not stored: {missing[:3]}")
        time.sleep(LOOK_SECONDS)
    while _waits(house, stream):
        if time.monotonic() > deadline:
            raise NeverSettled("punches are stored and not judged")
        time.sleep(LOOK_SECONDS)
    return again


def missing_tasks(house: House, stream: Stream) -> list[Task]:
    """What would have to be submitted again for the database to hold what it should."""
    with house.connect() as connection:
        stored = {
            (tenant, punch): rest
            for tenant, punch, *rest in connection.execute(_STORED, [stream.tenants]).fetchall()
        }
        said = set(
            connection.execute(
                "SELECT tenant_id, message_id FROM published WHERE tenant_id = ANY(%s)",
                [stream.tenants],
            ).fetchall()
        )
    missing = []
    for tenant_id in stream.tenants:
        for punch_id, punch in stream.standing[tenant_id].items():
            if stored.get((tenant_id, punch_id)) != [False, punch["is_mock_location"]]:
                missing.append(batch([punch]))
        gone = {
            punch_id
            for punch_id in stream.voided[tenant_id]
            if stored.get((tenant_id, punch_id), [False])[0]
        }
        missing.extend(
            void(tenant_id, punch_id) for punch_id in sorted(stream.voided[tenant_id] - gone)
        )
    return missing + [
        task for task in stream.tasks if task.name == "noc.publish" and _key(task) not in said
    ]


def _key(publication: Task) -> tuple[int, str]:
    message = publication.kwargs["message"]
    return message["tenant_id"], message["message_id"]


def _waits(house: House, stream: Stream) -> bool:
    with house.connect() as connection:
        return connection.execute(_WAITING, {"tenants": stream.tenants}).fetchone() != (
            0,
            len(stream.tenants),
        )


def _is_idle(house: House) -> bool:
    """Whether the broker holds nothing of ours, neither waiting nor handed out. RabbitMQ is never
    taken at its word: it loses nothing.
    """
    if house.broker.is_rabbitmq:
        return False
    with house.redis() as client:
        return client.llen("attendance") == 0 and client.hlen("unacked") == 0
