"""Idle tenants: what happens again and again leaves those alone that have nothing due."""

from datetime import datetime

from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation
from tests.end_to_end.waiting import wait_until

# Looked at now and then all the same: one in so many tenants may be written to between two sweeps.
ONE_IN = 20
_SWEPT = "SELECT at FROM pulse WHERE name = 'sweep_moments'"
# Every write to a row gives it another xmin.
_WRITTEN = "SELECT tenant_id, xmin::text FROM tenant WHERE tenant_id = ANY(%(tenants)s)"


def test_a_sweep_writes_to_no_tenant_that_has_nothing_due(installation: Installation) -> None:
    """They have been there from the start. What a sweep reads of them is for `make bench`."""
    tenants = installation.idle
    assert len(tenants) >= 100
    _until_swept_since(installation, installation.began)
    with healthy_viewer(installation) as viewer:
        viewer.go_on()
        before = dict(installation.rows(_WRITTEN, tenants=tenants))
        _until_swept_since(installation, installation.one("SELECT clock_timestamp()"))
        after = dict(installation.rows(_WRITTEN, tenants=tenants))
    written = [tenant_id for tenant_id in tenants if before[tenant_id] != after[tenant_id]]
    assert len(written) <= len(tenants) / ONE_IN, f"{len(written)} of {len(tenants)} idle tenants"


def _until_swept_since(installation: Installation, moment: datetime) -> None:
    """Return once a sweep of moments has ended after `moment`. Beat starts one each half minute."""
    wait_until(
        lambda: any(at > moment for (at,) in installation.rows(_SWEPT)), "a sweep", seconds=90
    )
