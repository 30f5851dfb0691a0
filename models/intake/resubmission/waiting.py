"""Taking submissions up again that were refused because their tenant or site was not known yet."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id
from models.intake.punches.submit import take
from models.intake.refused.outcome import Outcome
from models.intake.refused.refuse import mark
from models.intake.refused.rejection import OTHER_SITE, SITE_UNKNOWN, TENANT_UNKNOWN, Rejection
from models.intake.resubmission.again import SINGLE, submit_again
from models.intake.submitter import Submitter

SUBMISSIONS_A_PAGE = 1_000
# What is refused again for one of these stays open among the rejected.
_STILL_OPEN = {TENANT_UNKNOWN["code"], SITE_UNKNOWN["code"], OTHER_SITE["code"]}


class Waiting(NamedTuple):
    """A rejected submission that waits for its tenant or site."""

    received_at: datetime
    rejected_id: UUID
    door: str
    content: str
    backfill: bool
    site_id: Id | None
    submitted_by: dict[str, Any] | None
    confined: bool | None

    @property
    def submitter(self) -> Submitter:
        """Whoever submitted it. If they may write to some sites only, it may write to its own."""
        own = frozenset() if self.site_id is None else frozenset({self.site_id})
        return Submitter.kept(self.door, self.submitted_by, own if self.confined else None)


_BEGINNING = datetime.min.replace(tzinfo=UTC), UUID(int=0)

# A punch asks what was known when it occurred, anything else what is or will be. One that was kept
# before its moment was noted is tried as anything else.
_THEN = """CASE
        WHEN occurred_at IS NULL THEN known.until > statement_timestamp()
        ELSE known.since <= occurred_at AND occurred_at < known.until
    END"""

_PAGE = f"""
SELECT {", ".join(Waiting._fields)} FROM rejected
WHERE tenant_id = %(tenant_id)s AND waits_for IS NOT NULL AND resubmitted_at IS NULL
    AND {{taken}}
    AND EXISTS (
        SELECT FROM tenant_version AS known
        WHERE known.tenant_id = rejected.tenant_id AND {_THEN}
    )
    AND (waits_for = 'tenant' OR EXISTS (
        SELECT FROM site_version AS known
        WHERE known.tenant_id = rejected.tenant_id AND known.site_id = rejected.site_id AND {_THEN}
    ))
    AND (received_at, rejected_id) > (%(after_at)s, %(after_id)s)
ORDER BY received_at, rejected_id LIMIT %(limit)s
"""

# What is live comes before a backfill. Where both are of one punch, the order in which they came
# decides which content stands.
_LIVE = """door <> 'roster.sync' AND NOT backfill AND NOT EXISTS (
        SELECT FROM rejected AS other
        WHERE other.tenant_id = rejected.tenant_id AND other.punch_id = rejected.punch_id
            AND other.backfill AND other.resubmitted_at IS NULL
    )"""
# The last takes what the others left: what is refused again is submitted once more, to no effect.
_PAGES = tuple(
    _PAGE.format(taken=taken) for taken in ("door = 'roster.sync'", _LIVE, "door <> 'roster.sync'")
)

_CAME = f"""
SELECT DISTINCT tenant_id
FROM unnest(
    %(tenant_id)s::bigint[], %(site_id)s::bigint[], %(waits_for)s::text[],
    %(occurred_at)s::timestamptz[]
) AS missed(tenant_id, site_id, waits_for, occurred_at)
WHERE EXISTS (
        SELECT FROM tenant_version AS known
        WHERE known.tenant_id = missed.tenant_id AND {_THEN}
    )
    AND (waits_for = 'tenant' OR EXISTS (
        SELECT FROM site_version AS known
        WHERE known.tenant_id = missed.tenant_id AND known.site_id = missed.site_id AND {_THEN}
    ))
"""


def readmit(engine: Engine, tenant_id: Id) -> list[Outcome]:
    """Submit again what waited for something that the tenant's roster has now.

    Rosters come first, then what is live, then backfills, each in the order in which it came. It
    commits page by page.
    """
    return [
        outcome
        for sql in _PAGES
        for page in _pages(engine, tenant_id, sql)
        for outcome in _take_up(engine, tenant_id, page)
    ]


def came_meanwhile(engine: Engine, rejections: Iterable[Rejection]) -> list[int]:
    """Return the tenants whose roster has brought meanwhile what these rejections wait for.

    That is between the look at the roster and the commit of the rejection.
    """
    waiting = [rejection for rejection in rejections if rejection.waits_for]
    if not waiting:
        return []
    values = {
        name: [getattr(rejection, name) for rejection in waiting]
        for name in ("tenant_id", "site_id", "waits_for", "occurred_at")
    }
    with transaction(engine) as cursor:
        return [tenant_id for (tenant_id,) in cursor.execute(_CAME, values)]


def _pages(engine: Engine, tenant_id: Id, sql: str) -> Iterator[list[Waiting]]:
    after_at, after_id = _BEGINNING
    while True:
        values = {
            "tenant_id": tenant_id,
            "after_at": after_at,
            "after_id": after_id,
            "limit": SUBMISSIONS_A_PAGE,
        }
        with transaction(engine) as cursor:
            page = [Waiting._make(columns) for columns in cursor.execute(sql, values)]
        if not page:
            return
        yield page
        after_at, after_id = page[-1].received_at, page[-1].rejected_id


def _take_up(engine: Engine, tenant_id: Id, page: Sequence[Waiting]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    done: list[UUID] = []
    groups: dict[tuple[str, bool, Submitter], list[Waiting]] = defaultdict(list)
    for waiting in page:
        groups[waiting.door, waiting.backfill, waiting.submitter].append(waiting)
    for (door, backfill, by), group in groups.items():
        group_outcomes = list(_submit(engine, door, backfill, by, group))
        done += [
            waiting.rejected_id
            for waiting, outcome in zip(group, group_outcomes, strict=True)
            if not _stays(outcome)
        ]
        outcomes += group_outcomes
    mark(engine, tenant_id, done, datetime.now(UTC))
    return outcomes


def _submit(
    engine: Engine, door: str, backfill: bool, by: Submitter, group: list[Waiting]
) -> Iterable[Outcome]:
    contents = [json.loads(waiting.content) for waiting in group]
    if door in SINGLE:
        return [
            submit_again(engine, door, content, by=by, backfill=backfill) for content in contents
        ]
    return take(
        engine,
        contents,
        by=by,
        backfill=backfill,
        receipts=[waiting.received_at for waiting in group],
    ).outcomes


def _stays(outcome: Outcome) -> bool:
    return any(why["code"] in _STILL_OPEN for why in outcome.reasons)
