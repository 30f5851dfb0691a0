"""What was refused because its tenant or site was not known yet, taken up again once a roster has brought it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine

from models.database import transaction
from models.intake import publish, void
from models.intake.again import submit_again
from models.intake.outcome import Outcome
from models.intake.reject import SITE_UNKNOWN, TENANT_UNKNOWN, Rejection, lock
from models.intake.roster import sync
from models.intake.submit import take

PAGE = 1_000
_HOMELESS = {TENANT_UNKNOWN["code"], SITE_UNKNOWN["code"]}
_SINGLY = {sync.DOOR, void.DOOR, publish.DOOR}  # all other doors are for punches, and taken in batches


class Waiting(NamedTuple):
    received_at: datetime
    rejected_id: UUID
    door: str
    content: str
    backfill: bool


_START = Waiting(datetime.min.replace(tzinfo=UTC), UUID(int=0), "", "", False)

_PAGE = """
SELECT received_at, rejected_id, door, content, backfill FROM rejected
WHERE tenant_id = %(tenant_id)s AND waits_for IS NOT NULL AND resubmitted_at IS NULL AND (door = 'roster.sync') = %(rosters)s
    AND EXISTS (SELECT FROM tenant WHERE tenant.tenant_id = rejected.tenant_id AND NOT deleted)
    AND (waits_for = 'tenant' OR EXISTS (
        SELECT FROM site WHERE site.tenant_id = rejected.tenant_id AND site.site_id = rejected.site_id AND NOT deleted
    ))
    AND (received_at, rejected_id) > (%(after_at)s, %(after_id)s)
ORDER BY received_at, rejected_id LIMIT %(limit)s
"""

_CAME = """
SELECT DISTINCT tenant.tenant_id FROM unnest(%(tenant_id)s::bigint[], %(site_id)s::bigint[], %(waits_for)s::text[])
    AS missed(tenant_id, site_id, waits_for)
JOIN tenant ON tenant.tenant_id = missed.tenant_id AND NOT tenant.deleted
LEFT JOIN site ON site.tenant_id = missed.tenant_id AND site.site_id = missed.site_id AND NOT site.deleted
WHERE waits_for = 'tenant' OR site.site_id IS NOT NULL
"""


def readmit(engine: Engine, tenant_id: int) -> list[Outcome]:
    """Submit again, in the order they came, what waited for what the tenant's roster has now: rosters first. Commits by pages."""
    return [
        outcome for rosters in (True, False) for page in _pages(engine, tenant_id, rosters) for outcome in _take_up(engine, tenant_id, page)
    ]


def came_meanwhile(engine: Engine, rejections: Iterable[Rejection]) -> list[int]:
    """Tenants whose roster brought what these wait for between the look at the roster and the commit of the rejection."""
    missed = {(each.tenant_id, each.site_id, each.waits_for) for each in rejections if each.waits_for}
    if not missed:
        return []
    values = {name: [each[place] for each in missed] for place, name in enumerate(("tenant_id", "site_id", "waits_for"))}
    with transaction(engine) as cursor:
        return [tenant_id for (tenant_id,) in cursor.execute(_CAME, values)]


def _pages(engine: Engine, tenant_id: int, rosters: bool) -> Iterator[list[Waiting]]:
    last = _START
    while True:
        values = {"tenant_id": tenant_id, "rosters": rosters, "after_at": last.received_at, "after_id": last.rejected_id, "limit": PAGE}
        with transaction(engine) as cursor:
            page = [Waiting(*row) for row in cursor.execute(_PAGE, values)]
        if not page:
            return
        yield page
        last = page[-1]


def _take_up(engine: Engine, tenant_id: int, page: Sequence[Waiting]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    done: list[UUID] = []
    groups: dict[tuple[str, bool], list[Waiting]] = defaultdict(list)
    for waiting in page:
        groups[waiting.door, waiting.backfill].append(waiting)
    for (door, backfill), group in groups.items():
        ended = list(_submit(engine, door, backfill, [json.loads(waiting.content) for waiting in group]))
        done += [waiting.rejected_id for waiting, outcome in zip(group, ended, strict=True) if not _waits_on(outcome)]
        outcomes += ended
    mark(engine, tenant_id, done)
    return outcomes


def _submit(engine: Engine, door: str, backfill: bool, contents: list[object]) -> Iterable[Outcome]:
    if door in _SINGLY:
        return [submit_again(engine, door, content, backfill=backfill) for content in contents]
    return take(engine, contents, door=door, backfill=backfill, counted=False).outcomes


def _waits_on(outcome: Outcome) -> bool:
    return any(why["code"] in _HOMELESS for why in outcome.reasons)


def mark(engine: Engine, tenant_id: int, rejected_ids: Sequence[UUID]) -> None:
    """Note that these were taken."""
    with transaction(engine) as cursor:
        lock(cursor, [tenant_id])
        cursor.execute(
            "UPDATE rejected SET resubmitted_at = %s WHERE tenant_id = %s AND rejected_id = ANY(%s) AND resubmitted_at IS NULL",
            [datetime.now(UTC), tenant_id, list(rejected_ids)],
        )
