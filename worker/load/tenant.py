"""The tenant's policies, and how far in time they make one punch reach."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import Cursor

from models.policy import Policy, merged
from models.policy.biometric_anomaly import BiometricAnomaly
from models.policy.buddy_punching import BuddyPunching
from models.policy.gps_spoofing import GpsSpoofing
from models.policy.schedule_mismatch import ScheduleMismatch
from models.schemas.roster import LONGEST_SHIFT
from worker.rules.biometrics import LEAST_DEVIATION

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
_TENANT = """
SELECT {settings} policy, policy_version, roster_complete,
    EXISTS (SELECT FROM assignment a WHERE a.tenant_id = t.tenant_id AND NOT a.deleted),
    EXISTS (SELECT FROM person p WHERE p.tenant_id = t.tenant_id AND NOT p.deleted),
    (
        SELECT coalesce(jsonb_object_agg(s.site_id, s.policy), '{{}}') FROM site s
        WHERE s.tenant_id = t.tenant_id AND s.policy <> '{{}}'
    ),
    set_config('timezone', 'UTC', true)
FROM tenant t WHERE t.tenant_id = %s
"""


class Tenant(NamedTuple):
    """What the database says of a tenant as a whole."""

    tenant_id: int
    policy: Policy
    policy_version: int
    site_policies: dict[int, Policy]  # by site_id; of the other sites the tenant's holds
    roster_complete: bool
    any_assignment: bool
    any_person: bool

    @property
    def policies(self) -> list[Policy]:
        """Every distinct policy in force somewhere."""
        everywhere = (self.policy, *self.site_policies.values())
        return list({id(policy): policy for policy in everywhere}.values())

    @property
    def no_show(self) -> list[timedelta]:
        """How long after its start a shift may become a no-show, shortest first."""
        minutes = {policy.of(ScheduleMismatch).no_show_after_minutes for policy in self.policies}
        return [timedelta(minutes=wait) for wait in sorted(minutes)]

    @property
    def missing_check_out(self) -> list[timedelta]:
        """How long after a shift's end a check-out may be missing, shortest first."""
        hours = {policy.missing_check_out_after_hours for policy in self.policies}
        return [timedelta(hours=wait) for wait in sorted(hours)]

    @property
    def still_working(self) -> list[timedelta]:
        """How long after a check-in a spell passes the limit, or counts as forgotten, shortest
        first.
        """
        passed = {policy.max_work_hours for policy in self.policies}
        forgotten = {p.max_work_hours + p.missing_check_out_after_hours for p in self.policies}
        return sorted({timedelta(hours=hours) for hours in passed | forgotten})

    @property
    def score_below(self) -> float:
        """The score from which on none can be below anybody's own baseline: a mean is at most 1 and
        a deviation no less than the floor.
        """
        z = min(policy.of(BiometricAnomaly).biometric_z for policy in self.policies)
        return 1 - z * LEAST_DEVIATION


class Reach(NamedTuple):
    """How far in time, at most, one punch can matter to another, by any policy of the tenant."""

    spell: timedelta  # from a check-in to whatever closes it or finds it forgotten
    work: timedelta  # for which a check-in without a check-out counts
    repeat: timedelta  # between two check-ins of which the later only repeats the first
    early: timedelta  # from a check-in to the start of a shift it belongs to
    least_early: timedelta  # the same by the policy with the shortest
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
    tenant_id: int,
    policies: Mapping[str, Any] | None = None,
    *,
    by_index: bool = False,
) -> Tenant:
    """Read the tenant and its policies.

    `policies` ({"policy": ..., "sites": {site_id: ...}}) take the place of the stored ones. Sets
    the transaction's time zone to UTC, so that all arithmetic is on instants; with `by_index`, also
    that what follows is read by indexes. Raises LookupError where the tenant is unknown.
    """
    row = cursor.execute(
        _TENANT.format(settings=_BY_INDEX if by_index else ""), [tenant_id]
    ).fetchone()
    if row is None:
        raise LookupError(f"tenant {tenant_id} is unknown: sync it with roster.sync first")
    *_, policy, version, complete, any_assignment, any_person, sites, _ = row
    if policies is not None:
        policy, sites = policies.get("policy", {}), policies.get("sites", {})
    tenant_json = json.dumps(policy, sort_keys=True)
    return Tenant(
        tenant_id,
        _merged(tenant_json, "{}"),
        version,
        {
            int(site_id): _merged(tenant_json, json.dumps(site_policy, sort_keys=True))
            for site_id, site_policy in sites.items()
        },
        complete,
        any_assignment,
        any_person,
    )


def reach_of(tenant: Tenant) -> Reach:
    """Return the longest reach of all the tenant's policies."""
    policies = tenant.policies
    return Reach(
        spell=timedelta(
            hours=max(
                max(p.max_spell_hours, p.max_work_hours + p.missing_check_out_after_hours)
                for p in policies
            )
        ),
        work=timedelta(hours=max(p.max_work_hours for p in policies)),
        repeat=timedelta(minutes=max(p.repeat_minutes for p in policies)),
        early=timedelta(minutes=max(p.early_window_minutes for p in policies)),
        least_early=timedelta(minutes=min(p.early_window_minutes for p in policies)),
        fix=timedelta(
            hours=_FARTHEST_KM / min(p.of(GpsSpoofing).teleport_speed_kmh for p in policies)
        ),
        buddy=timedelta(minutes=max(p.of(BuddyPunching).buddy_window_minutes for p in policies)),
    )


@lru_cache(maxsize=4096)
def _merged(tenant_json: str, site_json: str) -> Policy:
    return merged(json.loads(tenant_json), json.loads(site_json))
