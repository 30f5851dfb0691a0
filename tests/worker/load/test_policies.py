"""What a judgement reads of policies, however many there are or were."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from models.policy import Policy, merged
from models.policy.biometric_anomaly import BiometricAnomaly
from models.policy.buddy_punching import BuddyPunching
from models.policy.gps_spoofing import GpsSpoofing
from models.policy.schedule_mismatch import ScheduleMismatch
from tests.worker.load.world import (
    ACME,
    GLOBEX,
    Version,
    add_punch,
    add_roster,
    add_tenant,
    set_site,
    set_versions,
)
from worker.judging.detect import detect
from worker.load import load
from worker.load.tenant import reach_of, read_tenant
from worker.load.touched import Touched
from worker.rules.window import Punch, Site

START = datetime(2026, 3, 28, tzinfo=UTC)
PUNCH = Punch("p1", 1, 1, True, START + timedelta(days=5, hours=1))
AS_OF = START + timedelta(days=6)


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        yield connection


@pytest.fixture
def compositions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What policies were composed of, one entry each."""
    composed: list[object] = []
    compose = Policy.model_validate

    def counting(fields: object) -> Policy:
        composed.append(fields)
        return compose(fields)

    monkeypatch.setattr(Policy, "model_validate", counting)
    return composed


def versions(*policies: Mapping[str, Any]) -> list[Version]:
    """Return a policy that became another one every day, as versions of a tenant."""
    days = [None, *(START + timedelta(days=n) for n in range(1, len(policies))), None]
    return [
        (since, until, {"policy": policy})
        for since, until, policy in zip(days[:-1], days[1:], policies, strict=True)
    ]


def add_company(connection: psycopg.Connection, tenant_id: int, sites: int, days: int) -> None:
    """Add a tenant whose sites all have a policy of their own, and that changed its own daily.

    No two tenants' policies are the same.
    """
    add_tenant(connection, tenant_id)
    for number in range(1, sites + 1):
        add_roster(
            connection,
            sites=[Site(number, f"Site {number}", "UTC", 52.5, 13.4)],
            site_policies={number: {"grace_minutes": number + tenant_id / 8}},
            tenant_id=tenant_id,
        )
    daily = [{"repeat_minutes": day + tenant_id / 8} for day in range(days)]
    set_versions(connection, "tenant", {}, versions(*daily), tenant_id)


def test_one_punch_composes_as_few_policies_in_a_tenant_with_many(
    connection: psycopg.Connection, compositions: list[object]
) -> None:
    counts = []
    for tenant_id, sites, days in ((ACME, 2, 8), (GLOBEX, 30, 20)):
        add_company(connection, tenant_id, sites, days)
        moved = add_punch(connection, PUNCH, tenant_id)
        compositions.clear()
        window = load(connection.cursor(), tenant_id, Touched(punches=(moved,)), AS_OF)
        detect(window)
        policy = window.policy(PUNCH.site_id, PUNCH.occurred_at)
        assert policy.grace_minutes == 1 + tenant_id / 8
        assert policy.repeat_minutes == 5 + tenant_id / 8
        counts.append(len(compositions))
    assert 1 <= counts[1] == counts[0] <= 3


def test_a_tenant_with_one_policy_is_asked_for_it_directly(connection: psycopg.Connection) -> None:
    add_tenant(connection)
    set_versions(connection, "tenant", {}, versions({"grace_minutes": 5}, {"grace_minutes": 5}))
    only = read_tenant(connection.cursor(), ACME).policies.only
    assert only
    assert only.grace_minutes == 5
    set_versions(connection, "tenant", {}, versions({"grace_minutes": 5}, {"grace_minutes": 6}))
    assert read_tenant(connection.cursor(), ACME).policies.only is None
    set_versions(connection, "tenant", {}, versions({}))
    site = Site(1, "Main Office", "UTC", 52.5, 13.4)
    add_roster(connection, sites=[site])
    set_site(connection, 1, [(None, None, site, {"grace_minutes": 7})])
    assert read_tenant(connection.cursor(), ACME).policies.only is None


def test_waits_and_reach_are_those_of_all_policies(connection: psycopg.Connection) -> None:
    own: list[dict[str, Any]] = [
        {"max_work_hours": 9, "no_show_after_minutes": 45, "biometric_z": 3},
        {"missing_check_out_after_hours": 2, "early_window_minutes": 20},
        {"max_spell_hours": 50, "teleport_speed_kmh": 500, "repeat_minutes": None},
    ]
    of_site: list[dict[str, Any]] = [
        {"max_work_hours": 30, "buddy_window_minutes": 20, "kiosk_people": 3},
        {"missing_check_out_after_hours": 40, "repeat_minutes": 25, "biometric_z": None},
    ]
    add_tenant(connection)
    set_versions(connection, "tenant", {}, versions(*own))
    site = Site(1, "Main Office", "UTC", 52.5, 13.4)
    add_roster(connection, sites=[site])
    turn = START + timedelta(hours=36)
    halves = ((None, turn, of_site[0]), (turn, None, of_site[1]))
    set_site(connection, 1, [(since, until, site, keys) for since, until, keys in halves])

    tenant = read_tenant(connection.cursor(), ACME)
    everywhere = [merged(below, above) for below in own for above in ({}, *of_site)]

    def hours(*values: float) -> list[timedelta]:
        return sorted({timedelta(hours=value) for value in values})

    waits = {p.of(ScheduleMismatch).no_show_after_minutes / 60 for p in everywhere}
    assert tenant.no_show == hours(*waits)
    assert tenant.missing_check_out == hours(*(p.missing_check_out_after_hours for p in everywhere))
    forgotten = [p.max_work_hours + p.missing_check_out_after_hours for p in everywhere]
    assert tenant.still_working == hours(*(p.max_work_hours for p in everywhere), *forgotten)
    least_z = min(p.of(BiometricAnomaly).biometric_z for p in everywhere)
    assert tenant.score_below == pytest.approx(1 - 0.02 * least_z)
    kiosks = {p.of(BuddyPunching).kiosk_people for p in everywhere}
    assert set(tenant.policies.values("kiosk_people")) == kiosks
    reach = reach_of(tenant)
    spell = timedelta(hours=max(*(p.max_spell_hours for p in everywhere), *forgotten))
    assert reach.spell == spell + timedelta(minutes=30)  # whose end a further check-out moves
    assert reach.work == timedelta(hours=30)
    assert reach.repeat == timedelta(minutes=25)
    assert (reach.least_early, reach.early) == (timedelta(minutes=20), timedelta(hours=1))
    assert reach.fix == timedelta(
        hours=20_040 / min(p.of(GpsSpoofing).teleport_speed_kmh for p in everywhere)
    )
    assert reach.buddy == timedelta(minutes=20)


def test_a_policy_that_changed_is_read_anew(connection: psycopg.Connection) -> None:
    add_company(connection, ACME, 1, 1)
    before = read_tenant(connection.cursor(), ACME)
    set_versions(connection, "tenant", {}, versions({"max_work_hours": 70}))
    after = read_tenant(connection.cursor(), ACME)
    assert after.still_working[-1] == timedelta(hours=76) != before.still_working[-1]
    assert after.policies.of_sites[1].at(START).max_work_hours == 70
