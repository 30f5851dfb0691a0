"""The tenant's policies, and how far in time they make one punch reach."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from psycopg import Cursor

from models.ids import NUMBERS_END, Id, number_of
from models.schemas.roster import LONGEST_SHIFT
from worker.load.policies import Policies, given_policies, stored_policies
from worker.load.versions import moment
from worker.rules.biometrics import LEAST_DEVIATION
from worker.rules.past import Past
from worker.rules.window import Merge

KIOSK_DAYS = timedelta(days=7)
BASELINE_DAYS = timedelta(days=30)
DAY = timedelta(hours=24)
# Half the way around the earth in kilometres, rounded up. Two fixes with time enough between them
# to cover it are no teleport.
_FARTHEST_KM = 20_040

# Every range is bounded and has its index. A planner left to guess how many rows a batch finds
# reads and hashes the whole history instead, and a judgement would cost more with each year of it.
# To compile a statement takes longer than any of them, whatever it is believed to cost. These
# settings hold to the end of the transaction.
_BY_INDEX = """
    set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true),
"""
# Spans of multiranges, with whether their ends belong to them.
_SPANS = """(
    SELECT coalesce(
        jsonb_agg(jsonb_build_array(lower(span), upper(span), lower_inc(span), upper_inc(span))),
        '[]'
    ) FROM unnest({}) AS span
)"""
# Where a version of a site has no policy of its own the tenant's holds, as between two versions.
_TENANT = f"""
SELECT {{settings}} policy_version, roster_complete,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_array(v.since, v.until, v.policy)), '[]')::text
        FROM tenant_version v WHERE v.tenant_id = t.tenant_id
    ),
    (
        SELECT coalesce(
            jsonb_agg(jsonb_build_array(v.site_id, v.since, v.until, v.policy)), '[]'
        )::text FROM site_version v WHERE v.tenant_id = t.tenant_id AND v.policy <> '{{{{}}}}'
    ),
    ARRAY(
        SELECT DISTINCT v.site_id FROM site_version v
        WHERE v.tenant_id = t.tenant_id AND v.policy <> '{{{{}}}}' AND v.site_id < {NUMBERS_END}
    ),
    {_SPANS.format("people_spans")},
    {_SPANS.format("assigned_spans")},
    (
        SELECT coalesce(
            jsonb_agg(jsonb_build_array(m.person_id, m.since, m.until, m.into_id)), '[]'
        )::text FROM person_merge m WHERE m.tenant_id = t.tenant_id
    ),
    ARRAY(
        SELECT DISTINCT named.id FROM person_merge m
        CROSS JOIN unnest(ARRAY[m.person_id, m.into_id]) AS named(id)
        WHERE m.tenant_id = t.tenant_id AND named.id < {NUMBERS_END}
    ),
    set_config('timezone', 'UTC', true)
FROM tenant t WHERE t.tenant_id = %s
"""
_LEAST = timedelta(microseconds=1)


class Tenant(NamedTuple):
    """What the database says of a tenant as a whole, and said at each moment."""

    tenant_id: Id
    policies: Policies
    policy_version: int
    roster_complete: bool
    any_assignment: Past[bool]
    any_person: Past[bool]
    merges: tuple[Merge, ...]

    @property
    def no_show(self) -> list[timedelta]:
        """How long after its start a shift may become a no-show, shortest first."""
        waits = self.policies.values("no_show_after_minutes")
        return sorted({timedelta(minutes=wait) for wait in waits})

    @property
    def missing_check_out(self) -> list[timedelta]:
        """How long after a shift's end a check-out may be missing, shortest first."""
        waits = self.policies.values("missing_check_out_after_hours")
        return sorted({timedelta(hours=wait) for wait in waits})

    @property
    def still_working(self) -> list[timedelta]:
        """How long after a check-in a spell passes the limit, or counts as forgotten, shortest
        first.
        """
        both = self.policies.together("max_work_hours", "missing_check_out_after_hours")
        hours = {limit for limit, _ in both} | {limit + wait for limit, wait in both}
        return sorted({timedelta(hours=wait) for wait in hours})

    @property
    def score_below(self) -> float:
        """The score from which on none can be below anybody's own baseline: a mean is at most 1 and
        a deviation no less than the floor.
        """
        z: float = min(self.policies.values("biometric_z"))
        return 1 - z * LEAST_DEVIATION


class Reach(NamedTuple):
    """How far in time, at most, one punch can matter to another, by any policy of the tenant."""

    # from a check-in to whatever closes it or finds it forgotten, and from a shift's end to what
    # may still belong to it
    spell: timedelta
    work: timedelta  # for which a check-in without a check-out counts
    repeat: timedelta  # between two check-ins of which the later only repeats the first
    early: timedelta  # from a check-in to the start of a shift it belongs to
    least_early: timedelta  # the same by the policy with the shortest
    handover: timedelta  # between two check-outs of which the later moves the end of a spell
    holdover: timedelta  # from a shift's end to what may still belong to it
    tap_gap: timedelta  # between two taps of one stay that no shift holds together
    slack: timedelta  # by which two clocks may differ
    fix: timedelta  # between two fixes that may be a teleport
    buddy: timedelta  # between two uses of one device or of one person's biometrics

    @property
    def before(self) -> timedelta:
        """From a punch back to the earliest of the same person that judging it needs: spells begun
        before its 24 hours may have work within them.
        """
        return max(self.spell + DAY, self.fix)

    @property
    def after(self) -> timedelta:
        """From a punch on to the last of the same person whose outcome it may change."""
        return max(self.spell + DAY, self.fix, self.early + LONGEST_SHIFT + self.work)


def read_tenant(
    cursor: Cursor,
    tenant_id: Id,
    policies: Mapping[str, Any] | None = None,
    *,
    by_index: bool = False,
) -> Tenant:
    """Read the tenant and its policies.

    `policies` ({"policy": ..., "sites": {site_id: ...}}) take the place of the stored ones, for all
    time. Sets
    the transaction's time zone to UTC, so that all arithmetic is on instants; with `by_index`, also
    that what follows is read by indexes. Raises LookupError where the tenant is unknown.
    """
    row = cursor.execute(
        _TENANT.format(settings=_BY_INDEX if by_index else ""), [tenant_id]
    ).fetchone()
    if row is None:
        raise LookupError(f"tenant {tenant_id} is unknown: sync it with roster.sync first")
    *_, version, complete, own, of_sites, strings, people, assignments, merges, merged, _ = row
    named = {number_of(person_id): person_id for person_id in merged}
    return Tenant(
        tenant_id,
        stored_policies(own, of_sites, tuple(strings))
        if policies is None
        else given_policies(policies),
        version,
        complete,
        _whether(assignments),
        _whether(people),
        tuple(
            Merge(
                named.get(person_id, person_id),
                moment(since),
                moment(until),
                named.get(into_id, into_id),
            )
            for person_id, since, until, into_id in orjson.loads(merges)
        ),
    )


def _whether(spans: Iterable[Sequence[Any]]) -> Past[bool]:
    """Return whether a moment lies in one of the spans: from, until, and whether each belongs."""
    held = (
        (_after(moment(since), not has_since), _after(moment(until), has_until), True)
        for since, until, has_since, has_until in spans
    )
    return Past.of_spans(held, False)


def _after(at: datetime | None, is_after: bool) -> datetime | None:
    return at + _LEAST if at and is_after else at


def reach_of(tenant: Tenant) -> Reach:
    """Return the longest reach of all the tenant's policies."""
    values = tenant.policies.values
    early = [timedelta(minutes=minutes) for minutes in values("early_window_minutes")]
    handover = timedelta(minutes=max(values("handover_minutes")))
    holdover = timedelta(minutes=max(values("holdover_minutes")))
    spell = max(timedelta(hours=max(values("max_spell_hours"))), tenant.still_working[-1])
    return Reach(
        spell=max(spell + handover, holdover),
        work=timedelta(hours=max(values("max_work_hours"))),
        repeat=timedelta(minutes=max(values("repeat_minutes"))),
        early=max(early),
        handover=handover,
        holdover=holdover,
        tap_gap=timedelta(hours=max(values("tap_gap_hours"))),
        slack=timedelta(seconds=max(values("clock_slack_seconds"))),
        least_early=min(early),
        fix=timedelta(hours=_FARTHEST_KM / min(values("teleport_speed_kmh"))),
        buddy=timedelta(minutes=max(values("buddy_window_minutes"))),
    )
