"""Waits until all that was submitted is stored and judged; sends again what the broker lost, and
counts it.
"""

import time

from tests.chaos.house import House
from tests.chaos.stream import Stream, Task, batch, void
from tests.chaos.submitter import Submitter

SETTLE_SECONDS = 180
LOOK_SECONDS = 0.25
# A task that is missing through so many looks in a row at an empty broker is lost.
LOOKS = 8

_STORED = """
SELECT tenant_id, punch_id, voided_at IS NOT NULL, is_mock_location
FROM punch
WHERE tenant_id = ANY(%s)
"""
_WAITING = """
SELECT (SELECT count(*) FROM pending WHERE tenant_id = ANY(%(tenants)s))
     + (SELECT count(*) FROM roster_change WHERE tenant_id = ANY(%(tenants)s)),
       (SELECT count(*) FROM tenant WHERE tenant_id = ANY(%(tenants)s))
"""


class NeverSettled(AssertionError):
    """Something that was submitted is neither stored nor lost by the broker, or is not judged."""


def settle(house: House, stream: Stream, submitter: Submitter) -> int:
    """Wait until all of the stream is stored and judged, sending again what the broker lost; return
    how many tasks that were. Raises NeverSettled.
    """
    deadline, idle_looks, sent_again = time.monotonic() + SETTLE_SECONDS, 0, 0
    while missing := missing_tasks(house, stream):
        idle_looks = idle_looks + 1 if _is_idle(house) else 0
        if idle_looks == LOOKS:
            for task in missing:
                submitter.send(task)
            sent_again, idle_looks = sent_again + len(missing), 0
        if time.monotonic() > deadline:
            raise NeverSettled(f"{len(missing)} tasks are not stored: {missing[:3]}")
        time.sleep(LOOK_SECONDS)
    while not is_judged(house, stream):
        if time.monotonic() > deadline:
            raise NeverSettled("punches are stored and not judged")
        time.sleep(LOOK_SECONDS)
    return sent_again


def is_judged(house: House, stream: Stream) -> bool:
    """Whether the stream's rosters are stored, and nothing of its tenants waits to be judged."""
    with house.connect() as connection:
        waiting = connection.execute(_WAITING, {"tenants": stream.tenants}).fetchone()
    return waiting == (0, len(stream.tenants))


def missing_tasks(house: House, stream: Stream) -> list[Task]:
    """The tasks that would have to be submitted again for the database to have what it should."""
    with house.connect() as connection:
        stored = {
            (tenant_id, punch_id): rest
            for tenant_id, punch_id, *rest in connection.execute(_STORED, [stream.tenants])
        }
        published = set(
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
        voided = {
            punch_id
            for punch_id in stream.voided[tenant_id]
            if stored.get((tenant_id, punch_id), [False])[0]
        }
        missing.extend(
            void(tenant_id, punch_id) for punch_id in sorted(stream.voided[tenant_id] - voided)
        )
    return missing + [
        task for task in stream.tasks if task.name == "noc.publish" and _key(task) not in published
    ]


def _key(publication: Task) -> tuple[int, str]:
    message = publication.kwargs["message"]
    return message["tenant_id"], message["message_id"]


def _is_idle(house: House) -> bool:
    """Whether the broker has no task of ours, neither waiting nor handed out. RabbitMQ always
    counts as busy: it loses nothing, so nothing is to be sent again.
    """
    if house.broker.is_rabbitmq:
        return False
    with house.redis() as client:
        return not client.llen("attendance") and not client.hlen("unacked")
