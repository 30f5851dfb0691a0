"""The moments at which the passing of time may change an outcome, and when the next one comes.

They are those that a sweep looks for: the start or end of a shift, or the end of a wait after it, a
check-in's becoming too long ago, and a post's having been empty for long enough since a punch.
Where none has come since the last sweep, there is nothing to judge.
"""

import random
from datetime import datetime, timedelta

from psycopg import Cursor

from worker.load.posts import believed, post_empty
from worker.load.tenant import Tenant

CHORE = "sweep"
# A tenant is looked at so often even if nothing is known to become due: a worker of the release
# before may have judged a shift without having it swept in time. Tenants are spread over the time
# between, as thousands may have become idle in the same minute.
RECHECK = (timedelta(hours=2), timedelta(hours=4))

# Each wait takes one look into an index; for punches, one look a site.
_NEXT = """
SELECT least(
    (
        SELECT min(first.starts_at + wait) FROM unnest(%(after_start)s::interval[]) AS wait
        CROSS JOIN LATERAL (
            SELECT starts_at FROM shift
            WHERE tenant_id = %(tenant_id)s AND starts_at >= %(since)s - wait
            ORDER BY starts_at LIMIT 1
        ) AS first
    ),
    (
        SELECT min(first.ends_at + wait) FROM unnest(%(after_end)s::interval[]) AS wait
        CROSS JOIN LATERAL (
            SELECT ends_at FROM shift
            WHERE tenant_id = %(tenant_id)s AND ends_at >= %(since)s - wait
            ORDER BY ends_at LIMIT 1
        ) AS first
    ),
    (
        SELECT min(first.occurred_at + wait)
        FROM site CROSS JOIN unnest(%(after_check_in)s::interval[]) AS wait
        CROSS JOIN LATERAL (
            SELECT occurred_at FROM punch
            WHERE punch.tenant_id = site.tenant_id AND punch.site_id = site.site_id
                AND occurred_at >= %(since)s - wait AND is_check_in AND voided_at IS NULL
            ORDER BY occurred_at LIMIT 1
        ) AS first
        WHERE site.tenant_id = %(tenant_id)s
    ),
    (
        SELECT min(first.occurred_at + wait)
        FROM site CROSS JOIN unnest(%(after_punch)s::interval[]) AS wait
        CROSS JOIN LATERAL (
            SELECT occurred_at FROM punch
            WHERE punch.tenant_id = site.tenant_id AND punch.site_id = site.site_id
                AND occurred_at >= %(since)s - wait AND voided_at IS NULL
            ORDER BY occurred_at LIMIT 1
        ) AS first
        WHERE site.tenant_id = %(tenant_id)s
    )
)
"""


def next_moment(cursor: Cursor, tenant: Tenant, since: datetime) -> datetime | None:
    """Return the first moment from `since` on at which an outcome may change, if any is known.

    A sweep at the very moment may find that the wait is not over yet, so the next one includes it.
    It takes one statement.
    """
    empty = post_empty(tenant)
    values = {
        "tenant_id": tenant.tenant_id,
        "since": since,
        "after_start": [timedelta(0), *tenant.no_show, *empty],
        "after_end": [timedelta(0), *tenant.missing_check_out, *empty],
        "after_check_in": [
            *tenant.still_working,
            *(hours + wait for hours in believed(tenant) for wait in empty),
        ],
        "after_punch": empty,
    }
    row = cursor.execute(_NEXT, values).fetchone()
    moment: datetime | None = row[0] if row else None
    return moment


def next_sweep(moment: datetime | None, as_of: datetime) -> datetime:
    """Return when a tenant is swept next whose next moment, from `as_of` on, is this one."""
    shortest, longest = RECHECK
    recheck = as_of + shortest + random.random() * (longest - shortest)  # noqa: S311 - no secret
    return min(moment or recheck, recheck)
