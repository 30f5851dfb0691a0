"""How far a backfill is judged: its tenant's admins are told, and whoever scrapes."""

import pytest

from realtime.http import scraping
from tests.realtime.cast import ACME, GLOBEX, Feed
from tests.realtime.http.conftest import Caller

PATH = "/api/v1/backfill"
NOTHING = {"rows_left": 0, "rows_per_second": 0.0, "ends_at": None}
_WAIT = """
INSERT INTO pending (tenant_id, punch_id, person_id, site_id, occurred_at, received_at, backfill)
SELECT %(tenant)s, 'p' || number, 7, 15, now(), now(), %(backfill)s
FROM generate_series(1, %(rows)s) AS number
"""
_JUDGED = """
INSERT INTO backfill_pace (tenant_id, since, rows)
SELECT %(tenant)s, now() - make_interval(secs => %(ago)s), %(rows)s
"""


@pytest.fixture(autouse=True)
def never_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each scrape ask Postgres, and give it time on a busy machine."""
    monkeypatch.setattr(scraping, "READ_SECONDS", 60.0)
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 0.0)


def wait(feed: Feed, rows: int, *, tenant: int = ACME, backfill: bool = True) -> None:
    feed.run(_WAIT, {"tenant": tenant, "rows": rows, "backfill": backfill})


def judged(feed: Feed, rows: int, ago: int, *, tenant: int = ACME) -> None:
    feed.run(_JUDGED, {"tenant": tenant, "rows": rows, "ago": ago})


async def test_an_admin_is_told_what_is_left_of_the_own_tenant_and_how_fast_it_goes(
    caller: Caller, feed: Feed
) -> None:
    wait(feed, 300)
    wait(feed, 5, backfill=False)
    wait(feed, 7, tenant=GLOBEX)
    judged(feed, 10_000, 120)
    judged(feed, 200, 40)
    judged(feed, 200, 5)
    judged(feed, 9_000, 5, tenant=GLOBEX)
    progress = await (await caller.get(PATH, role="admin")).json()
    assert progress["rows_left"] == 300
    assert 0 < progress["rows_per_second"] <= 10
    assert progress["ends_at"].endswith("Z")


async def test_where_no_backfill_waits_nothing_is_left(caller: Caller, feed: Feed) -> None:
    wait(feed, 5, backfill=False)
    assert await (await caller.get(PATH, role="admin")).json() == NOTHING
    wait(feed, 3)
    assert await (await caller.get(PATH, role="admin")).json() == NOTHING | {"rows_left": 3}


async def test_only_admins_are_told(caller: Caller, feed: Feed) -> None:
    wait(feed, 3)
    for role in ("viewer", "operator"):
        assert (await caller.get(PATH, role=role)).status == 403


async def test_a_tenant_has_a_metric_only_while_its_backfill_is_not_judged(
    caller: Caller, feed: Feed
) -> None:
    wait(feed, 3)
    judged(feed, 100, 5)
    text = await caller.metrics()
    assert f'rollcall_backfill_left{{tenant_id="{ACME}"}} 3.0' in text
    assert f'rollcall_backfill_rows_per_second{{tenant_id="{ACME}"}}' in text
    assert f'rollcall_backfill_left{{tenant_id="{GLOBEX}"}}' not in text
    feed.run("DELETE FROM pending", {})
    assert "rollcall_backfill_left{" not in await caller.metrics()
