"""Reading feeds from Postgres: heads, and pages as a viewer hears them; and filters to recover."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text

from models.feed import MARK
from models.ids import NOBODY, Id, StringId, is_nobody
from realtime.feed.filters import Filter, Hearing, read_sites
from realtime.feed.messages import FeedMessage
from realtime.ids import number
from realtime.postgres import AnyRow, Postgres

# The epoch of a tenant that is not known yet: nothing was said, and the first epoch continues it.
UNBORN = "new"
# For up to so many sites, a page is read site by site from the index; for more, the feed is read
# and other sites are left out.
SITES_BY_INDEX = 64

_HEADS = text(f"""
SELECT
    tenant_id, epoch, head, floor, floor_mark, stored.positions, stored.marks,
    (SELECT {MARK} FROM message m WHERE m.tenant_id = t.tenant_id AND position = t.head) AS mark
FROM unnest(
    CAST(:tenants AS bigint[]), CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[])
) AS asked (tenant_id, first, last)
JOIN tenant t USING (tenant_id)
CROSS JOIN LATERAL (
    SELECT array_agg(position) AS positions, array_agg({MARK}) AS marks FROM message m
    WHERE m.tenant_id = t.tenant_id AND position BETWEEN asked.first AND asked.last
) stored
""")
_COLUMNS = f"""
position, event, site_id, anomaly_type, severity, prior_severity, body, {MARK} AS mark
"""
_ROWS = """
SELECT {columns} FROM message
WHERE tenant_id = t.tenant_id AND position > :after AND position <= :until{where}
"""
_PAGE = """
SELECT t.epoch, t.floor, page.*
FROM tenant t
LEFT JOIN LATERAL ({rows} ORDER BY position {direction} LIMIT :limit) page ON true
WHERE t.tenant_id = :tenant_id
ORDER BY page.position {direction}
"""
_BY_SITE = """
SELECT of_site.*
FROM unnest(CAST(:sites AS bigint[])) heard(site)
CROSS JOIN LATERAL (
    {rows} AND site_id = heard.site ORDER BY position {direction} LIMIT :limit
) of_site
"""
_OF_SEVERITIES = (
    " AND (severity IS NULL OR severity = ANY(:severities) OR prior_severity = ANY(:severities))"
)
_FILTER = text(
    "SELECT filter FROM viewer_filter WHERE tenant_id = :tenant_id AND pid = :pid AND sub = :sub"
)
_REMEMBER = text("""
INSERT INTO viewer_filter (tenant_id, pid, sub, filter, seen_at)
VALUES (:tenant_id, :pid, :sub, CAST(:filter AS jsonb), now())
ON CONFLICT (tenant_id, pid) DO UPDATE
SET filter = excluded.filter, seen_at = excluded.seen_at
WHERE viewer_filter.sub = excluded.sub
""")
_FORGET = text(
    "DELETE FROM viewer_filter WHERE tenant_id = :tenant_id AND pid = :pid AND sub = :sub"
)


class Span(NamedTuple):
    """The positions from first to last, both included; none where first is larger."""

    first: int = 1
    last: int = 0


class Head(NamedTuple):
    """Where a feed stands: its epoch, the last position given out, the last one pruned.

    `marks` has what the messages are told by, by position: at the head, at the floor where it is
    known, and of all that was asked for and is there.
    """

    epoch: str = UNBORN
    head: int = 0
    floor: int = 0
    marks: Mapping[int, str] = MappingProxyType({})


class Page(NamedTuple):
    """Messages, and the state of the feed when they were read.

    A floor above where the page was to begin means that it has a hole.
    """

    epoch: str
    floor: int
    messages: list[FeedMessage]


class FeedReader:
    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres

    async def head(self, tenant_id: Id, span: Span = Span()) -> Head:
        """Return the tenant's head, with the marks of what is in the span."""
        return (await self.heads({tenant_id: span}))[tenant_id]

    async def heads(self, spans: Mapping[Id, Span]) -> dict[Id, Head]:
        """Return the head of each tenant, with the marks of what is in its span.

        It is one statement for all; an unknown tenant stands at the beginning. Like all that read
        here, it raises what Postgres raised.
        """
        for tenant_id in spans:
            await number(self.postgres, tenant_id)
        values = {
            "tenants": list(spans),
            "firsts": [span.first for span in spans.values()],
            "lasts": [span.last for span in spans.values()],
        }
        rows = await self.postgres.fetch(_HEADS, values)
        heads = {row.tenant_id: Head(row.epoch, row.head, row.floor, _marks(row)) for row in rows}
        for tenant_id in spans.keys() - heads.keys():
            if isinstance(tenant_id, StringId):  # it may get another number, if the backup lacks it
                tenant_id.number = NOBODY
        return {tenant_id: heads.get(tenant_id, Head()) for tenant_id in spans}

    async def page(
        self,
        tenant_id: Id,
        after: int,
        until: int,
        limit: int,
        hearing: Hearing | None = None,
        *,
        newest_first: bool = False,
    ) -> Page:
        """Return up to `limit` messages in (after, until]: those that `hearing` has, if given."""
        sites = hearing.sites() if hearing else None
        await number(self.postgres, tenant_id, sites or ())
        statement, values = _page_statement(hearing, sites, newest_first)
        rows = await self.postgres.fetch(
            statement,
            {"tenant_id": tenant_id, "after": after, "until": until, "limit": limit, **values},
        )
        if not rows:
            return Page(UNBORN, 0, [])
        epoch = rows[0].epoch
        return Page(
            epoch,
            rows[0].floor,
            [FeedMessage(epoch, *row[2:]) for row in rows if row.position is not None],
        )

    async def remembered_filter(self, tenant_id: Id, pid: str, sub: str) -> Filter | None:
        """Return the filter that the viewer set last, unless its auth will bring it again."""
        await number(self.postgres, tenant_id)
        rows = await self.postgres.fetch(_FILTER, {"tenant_id": tenant_id, "pid": pid, "sub": sub})
        if not rows:
            return None
        kept = rows[0].filter
        return Filter(
            tuple(kept.get("types", ())),
            tuple(kept.get("severities", ())),
            read_sites(kept.get("sites", ())),
        )

    async def remember_filter(self, tenant_id: Id, pid: str, sub: str, filter_: Filter) -> None:
        """Keep the filter for when the viewer recovers, unless nobody knows its tenant yet."""
        await number(self.postgres, tenant_id)
        if is_nobody(tenant_id):
            return
        values = {
            "tenant_id": tenant_id,
            "pid": pid,
            "sub": sub,
            "filter": orjson.dumps(filter_.as_object()).decode(),
        }
        await self.postgres.run(_REMEMBER, values)

    async def forget_filter(self, tenant_id: Id, pid: str, sub: str) -> None:
        await number(self.postgres, tenant_id)
        await self.postgres.run(_FORGET, {"tenant_id": tenant_id, "pid": pid, "sub": sub})


def _marks(row: AnyRow) -> dict[int, str]:
    marks: dict[int, str] = {}
    position, _, floor_mark = (row.floor_mark or "").partition("-")
    if position == str(row.floor):
        marks[row.floor] = floor_mark
    if row.mark is not None:
        marks[row.head] = row.mark
    marks.update(zip(row.positions or (), row.marks or (), strict=True))
    return marks


def _page_statement(
    hearing: Hearing | None, sites: frozenset[Id] | None, newest_first: bool
) -> tuple[Any, dict[str, Any]]:
    where = ""
    values: dict[str, Any] = {}
    if hearing and hearing.filter.types:
        where += " AND (anomaly_type IS NULL OR anomaly_type = ANY(:types))"
        values["types"] = list(hearing.filter.types)
    if hearing and hearing.filter.severities:
        where += _OF_SEVERITIES
        values["severities"] = list(hearing.filter.severities)
    if sites is not None:
        values["sites"] = sorted(sites)
    direction = "DESC" if newest_first else "ASC"
    by_site = sites is not None and len(sites) <= SITES_BY_INDEX
    if sites is not None and not by_site:
        where += " AND site_id = ANY(CAST(:sites AS bigint[]))"
    rows = _ROWS.format(columns=_COLUMNS, where=where)
    rows = _BY_SITE.format(rows=rows, direction=direction) if by_site else rows
    return text(_PAGE.format(rows=rows, direction=direction)), values
