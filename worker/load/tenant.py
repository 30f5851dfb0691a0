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
# Half the way around the earth in kilometres, rounded up: beyond this over the speed, two fixes
# cannot be a teleport.
_FARTHEST_KM = 20_040

# Every range is bounded and has its index. A planner left to guess how many rows a batch finds
# reads and hashes the whole history instead, and a judgement would cost more with each year of it.
# Holds for what follows, to the end of the transaction.
_BY_INDEX = """
    set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('plan_cache_mode', 'force_generic_plan', true),
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
    tenant_id: int
    policy: Policy
    policy_version: int
    site_policies: dict[int, Policy]
    roster_complete: bool
    any_assignment: bool
    any_person: bool

    @property
    def policies(self) -> list[Policy]:
        """Every distinct policy in force somewhere."""
        return list(
            {id(policy): policy for policy in (self.policy, *self.site_policies.values())}.values()
        )

    @property
    def no_show(self) -> list[timedelta]:
        """How long after a shift's start it may become a no-show."""
        return sorted(
            {
                timedelta(minutes=policy.of(ScheduleMismatch).no_show_after_minutes)
                for policy in self.policies
            }
        )

    @property
    def missing_check_out(self) -> list[timedelta]:
        return sorted(
            {timedelta(hours=policy.missing_check_out_after_hours) for policy in self.policies}
        )

    @property
    def still_working(self) -> list[timedelta]:
        """How long after a check-in a spell passes the limit, and how long after it counts as
        forgotten.
        """
        limits = {
            (policy.max_work_hours, policy.max_work_hours + policy.missing_check_out_after_hours)
            for policy in self.policies
        }
        return sorted({timedelta(hours=hours) for pair in limits for hours in pair})

    @property
    def score_below(self) -> float:
        """Scores from here on cannot be below anybody's own baseline: a mean is at most 1 and a
        deviation no less than the floor.
        """
        return max(
            1 - policy.of(BiometricAnomaly).biometric_z * LEAST_DEVIATION
            for policy in self.policies
        )


class Reach(NamedTuple):
    """How far, at most, one punch matters to another of the same person, under any policy of the
    tenant.
    """

    spell: timedelta  # from a check-in to whatever closes it or finds it forgotten
    work: timedelta  # for which a check-in without a check-out counts
    repeat: timedelta
    early: timedelta  # from a check-in to the start of a shift it belongs to
    least_early: timedelta
    fix: timedelta  # between two fixes that may be a teleport
    buddy: timedelta

    @property
    def before(self) -> timedelta:
        """From a punch back to the earliest of the same person that judging it needs: work of
        spells begun before its 24 hours.
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
    """The tenant and its policies; `policies` ({"policy": ..., "sites": {site_id: ...}}) takes the
    place of the stored ones.

    Sets the transaction's time zone to UTC, so that all arithmetic is on instants; and with
    `by_index` that what follows is read by indexes.
    """
    row = cursor.execute(
        _TENANT.format(settings=_BY_INDEX if by_index else ""), [tenant_id]
    ).fetchone()
    if row is None:
        raise LookupError(f"tenant {tenant_id} is unknown: sync it with roster.sync first")
    *_, policy, version, complete, any_assignment, any_person, sites, _ = row
    if policies is not None:
        policy, sites = policies.get("policy", {}), policies.get("sites", {})
    text = json.dumps(policy, sort_keys=True)
    in_force = {
        int(site_id): _merged(text, json.dumps(own, sort_keys=True))
        for site_id, own in sites.items()
    }
    return Tenant(
        tenant_id, _merged(text, "{}"), version, in_force, complete, any_assignment, any_person
    )


def reach_of(tenant: Tenant) -> Reach:
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
def _merged(tenant: str, site: str) -> Policy:
    return merged(json.loads(tenant), json.loads(site))
