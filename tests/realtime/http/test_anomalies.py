"""GET /api/v1/anomalies: within the token's tenant and sites, page by page."""

import csv
import io
from datetime import timedelta
from typing import Any

from tests.realtime.cast import GLOBEX, Feed
from tests.realtime.http.conftest import START, Caller, store_anomaly

PATH = "/api/v1/anomalies"


async def test_a_token_sees_its_own_tenant_and_sites_only(caller: Caller, feed: Feed) -> None:
    for number in range(6):
        store_anomaly(feed, number, site_id=15 + number % 2)
    store_anomaly(feed, 9, tenant_id=GLOBEX)
    assert [item["punch_id"] for item in await caller.items(PATH)] == [
        "p5",
        "p4",
        "p3",
        "p2",
        "p1",
        "p0",
    ]
    assert [item["punch_id"] for item in await caller.items(PATH, sites=[15])] == ["p4", "p2", "p0"]
    assert await caller.items(PATH, sites=[]) == []
    assert await caller.items(f"{PATH}?site_id=16", sites=[15]) == []
    assert [item["punch_id"] for item in await caller.items(PATH, tenant_id=GLOBEX)] == ["p9"]


async def test_pages_by_key_lose_and_repeat_nothing(caller: Caller, feed: Feed) -> None:
    for number in range(25):
        store_anomaly(feed, number)
    seen: list[str] = []
    cursor = ""
    while True:
        response = await caller.get(f"{PATH}?limit=10&cursor={cursor}")
        page = await response.json()
        seen += [item["punch_id"] for item in page["items"]]
        if page["next"] is None:
            assert "Link" not in response.headers
            break
        assert page["next"] in response.headers["Link"]
        cursor = page["next"]
        store_anomaly(feed, 100 + len(seen))  # newer ones do not shift the pages
    assert seen == [f"p{number}" for number in range(24, -1, -1)]


async def test_filters_narrow_the_list(caller: Caller, feed: Feed) -> None:
    store_anomaly(feed, 1, severity="LOW")
    store_anomaly(feed, 2, anomaly_type="GPS_SPOOFING", review="CONFIRMED")
    store_anomaly(feed, 3, standing=False)
    store_anomaly(feed, 4, punch_id="", shift_id="s4")
    store_anomaly(feed, 5, shadow=True)

    async def found(query: str) -> list[int]:
        return [int(item["anomaly_id"][-12:], 16) for item in await caller.items(f"{PATH}?{query}")]

    assert await found("") == [4, 3, 2, 1]
    assert await found("severity=LOW") == [1]
    assert await found("severity=LOW,HIGH&type=GPS_SPOOFING") == [2]
    assert await found("status=CONFIRMED") == [2]
    assert await found("status=WITHDRAWN&status=DETECTED") == [4, 3, 1]
    assert await found("punch_id=p3") == [3]
    assert await found("shift_id=s4") == [4]
    assert await found("person_id=1001") == [1]
    assert await found("since=2026-11-23T08:02:00Z&until=2026-11-23T08:04:00Z") == [3, 2]
    assert await found("since=2026-11-23T09:03:00%2B01:00") == [4, 3]


async def test_what_makes_no_sense_is_invalid(caller: Caller) -> None:
    for query in (
        "severity=high",
        "type=ALL",
        "site_id=x",
        "site_id=0",
        "site_id=99999999999999999999",
        "since=yesterday",
        "since=2026-11-23T08:00:00",
        "limit=0",
        "limit=501",
        "limit=-1",
        "cursor=zzz",
        "cursor=W10",
        "punch_id=%00",
        "colour=red",
    ):
        response = await caller.get(f"{PATH}?{query}")
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid"), (
            query
        )


async def test_private_evidence_is_for_tokens_that_cover_every_site_in_it(
    caller: Caller, feed: Feed
) -> None:
    store_anomaly(feed, 1, private_evidence={"other_site_id": 16}, other_sites="16,17")

    async def private(**claims: Any) -> Any:
        return (await caller.items(PATH, **claims))[0]["private_evidence"]

    assert await private() == {"other_site_id": 16}
    assert await private(sites=[15, 16, 17, 18]) == {"other_site_id": 16}
    assert await private(sites=[15, 16]) is None
    assert await private(sites=[15]) is None


async def test_csv_holds_the_same_and_runs_no_formula(caller: Caller, feed: Feed) -> None:
    store_anomaly(
        feed, 1, person_name='=HYPERLINK("http://evil")', site_name='A "quoted", one', reason="@sum"
    )
    response = await caller.get(PATH, headers={"Accept": "text/csv"})
    assert response.content_type == "text/csv"
    row = next(csv.DictReader(io.StringIO(await response.text())))
    assert row["person_name"] == '\'=HYPERLINK("http://evil")'
    assert row["site_name"] == 'A "quoted", one'
    assert row["reason"] == "'@sum"
    assert row["evidence"] == '{"distance_m":12}'


async def test_without_a_good_token_there_is_nothing(caller: Caller) -> None:
    response = await caller.get(PATH, anonymous=True)
    assert (response.status, (await response.json())["error"]["code"]) == (401, "token_missing")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    response = await caller.get(PATH, exp=1)
    assert (response.status, (await response.json())["error"]["code"]) == (401, "token_expired")
    response = await caller.get(PATH, role=None, scope="submit")
    assert (response.status, (await response.json())["error"]["code"]) == (403, "forbidden")
    response = await caller.get(f"{PATH}?token=x", anonymous=True)
    assert response.status == 401


async def test_an_anomaly_says_which_correction_withdrew_it(caller: Caller, feed: Feed) -> None:
    """Whoever may not see a neighbour's site learns of a punch there no more than that it was."""
    anomaly_id = store_anomaly(feed, 1, standing=False)
    lines = [("p1", b"\x01", "16"), ("neighbour", b"\x02", ""), ("elsewhere", None, "16")]
    for hour, (punch_id, content_hash, other_sites) in enumerate(lines):
        values = {
            "id": anomaly_id,
            "at": START + timedelta(hours=hour),
            "p": punch_id,
            "hash": content_hash,
            "sites": other_sites,
        }
        feed.run(
            "INSERT INTO withdrawal_trail (tenant_id, anomaly_id, at, cause, punch_id,"
            " content_hash, other_sites, received_at, submitted_by)"
            " VALUES (1, %(id)s, %(at)s, 'correction', %(p)s, %(hash)s, %(sites)s, %(at)s,"
            """ '{"door": "d"}')""",
            values,
        )
    path = f"/api/v1/anomalies/{anomaly_id}"
    shown = (await (await caller.get(path)).json())["withdrawals"]
    assert [line["punch_id"] for line in shown] == ["p1", "neighbour", "elsewhere"]
    assert shown[0] == {
        "at": "2026-11-23T08:00:00Z",
        "cause": "correction",
        "punch_id": "p1",
        "content_hash": "01",
        "received_at": "2026-11-23T08:00:00Z",
        "submitted_by": {"door": "d"},
    }
    shown = (await (await caller.get(path, sites=[15])).json())["withdrawals"]
    assert [(line["punch_id"], line["submitted_by"]) for line in shown] == [
        ("p1", {"door": "d"}),
        ("neighbour", {"door": "d"}),
        (None, None),
    ]
    assert (await caller.get(path, sites=[16])).status == 404
