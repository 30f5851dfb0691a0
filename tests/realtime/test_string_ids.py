"""Viewers and REST with string ids: each hears and sees its own, and they come back as they came.

Acme is the tenant of the string "15", and has the sites 15 and "15"; its namesake is tenant 15.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest

from models import intake
from models.emitter import tenant_channel
from models.feed import Appended
from models.ids import Id, StringId, spelled
from models.numbering import find_tenant, store
from models.settings import Settings
from models.string_ids.directory import DIRECTORY
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import Connect, Feed, RunningServer, anomaly_said, eventually, token
from tests.realtime.http.conftest import Caller, caller, store_anomaly
from tests.realtime.http.described import hence

__all__ = ["caller"]

ACME, NAMESAKE = "15", 15
EVIL = 'a_b"c:d,%22 😀'
SITES: list[Any] = [15, "15", EVIL]


class Company:
    """A tenant with the three sites, which says what happens there."""

    def __init__(self, feed: Feed, tenant_id: Any) -> None:
        self._feed = feed
        zone = {"timezone": "Europe/Oslo"}
        sites = [{"site_id": site, "name": f"Site {site!r}", **zone} for site in SITES]
        tenant = {"tenant_id": tenant_id, "name": "Acme"}
        roster = {"tenant": tenant, "sites": sites}
        assert intake.sync_roster(feed.engine, roster).refused == []
        self.id: Any = find_tenant(feed.engine, as_came(tenant_id))
        self.sites = [self.numbered(site) for site in SITES]

    def numbered(self, text: Any) -> Any:
        named = store(self._feed.engine, [self.id], [(self.id, as_came(text))])
        return named.id(self.id, as_came(text))

    def say(self, *sites: Any, publish: bool = True, **more: Any) -> Appended:
        said = [
            anomaly_said(None if site is None else self.numbered(site), **more) for site in sites
        ]
        return self._feed.say(self.id, *said, publish=publish)


def as_came(value: Any) -> Id:
    return StringId(value) if isinstance(value, str) else value


@pytest.fixture
def acme(feed: Feed) -> Company:
    return Company(feed, ACME)


@pytest.fixture
def namesake(feed: Feed) -> Company:
    return Company(feed, NAMESAKE)


def sites_heard(watcher: Any) -> list[Any]:
    return [payload["site_id"] for payload in watcher.heard("anomaly_detected")]


async def test_each_viewer_hears_its_tenant_and_its_sites_and_nobody_elses(
    server: RunningServer, connect: Connect, acme: Company, namesake: Company
) -> None:
    watchers = {
        (tenant, site): await connect(server, claims={"tenant_id": tenant, "sites": [site]})
        for tenant in (ACME, NAMESAKE)
        for site in SITES
    }
    everything = await connect(server, claims={"tenant_id": ACME})
    for company in (acme, namesake):
        company.say(*SITES, None, *SITES)
    await everything.until_position(7)
    for place, site in enumerate(SITES, 1):
        for tenant in (ACME, NAMESAKE):
            await watchers[tenant, site].until_position(4 + place)
    assert sites_heard(everything) == [*SITES, None, *SITES]
    for (_, site), watcher in watchers.items():
        assert sites_heard(watcher) == [site, site]
        assert [type(one) for one in sites_heard(watcher)] == [type(site)] * 2


async def test_what_was_missed_history_and_filters_are_of_the_very_site(
    server: RunningServer, connect: Connect, acme: Company
) -> None:
    viewer = await connect(server, claims={"tenant_id": ACME}, filter={"sites": ["15", EVIL]})
    acme.say(*SITES)
    await viewer.until_position(3)
    offset = viewer.offset
    await viewer.close()
    acme.say(*SITES, publish=False)
    DIRECTORY.forget()
    claims = {"tenant_id": ACME, "sites": ["15", 15]}
    again = await connect(server, claims=claims, offset=offset)
    await again.until_position(5)
    assert sites_heard(again) == [15, "15"]
    answer = await again.ask("filter_anomalies", {"sites": ["15"]})
    assert answer["filter"] == {"sites": ["15"]}
    answer = await again.ask("history", {"after": 0})
    assert [one["site_id"] for one in answer["messages"]] == ["15", "15"]
    outside = await again.ask("filter_anomalies", {"sites": [EVIL]})
    assert outside["error"]["code"] == "forbidden"
    (snapshot,) = viewer.heard("snapshot")
    assert (snapshot["tenant_id"], snapshot["filter"]) == (ACME, {"sites": ["15", EVIL]})


async def test_a_filter_is_remembered_as_it_was_set(
    server: RunningServer, connect: Connect, acme: Company
) -> None:
    claims = {"tenant_id": ACME}
    viewer = await connect(server, claims=claims)
    await viewer.ask("filter_anomalies", {"sites": ["15"]})
    acme.say(*SITES)
    await viewer.until_position(2)
    pid = next(one.pid for one in server.viewers())
    offset = viewer.offset
    await viewer.close()
    acme.say(*SITES)
    again = await connect(server, claims=claims, offset=offset, pid=pid)
    await again.until_position(5)
    assert sites_heard(again) == ["15"]


async def test_who_comes_before_tenant_and_site_hears_and_replays_them_once_they_are_there(
    server: RunningServer, connect: Connect, feed: Feed
) -> None:
    viewer = await connect(server, claims={"tenant_id": ACME, "sites": ["15", "no such"]})
    stranger = await connect(server, claims={"tenant_id": "no such", "sites": ["15"]})
    assert feed.rows("SELECT text FROM string_id") == []
    acme = Company(feed, ACME)
    acme.say(*SITES, publish=False)
    await viewer.until_position(2)
    answer = await viewer.ask("history", {"after": 0})
    assert [one["site_id"] for one in answer["messages"]] == ["15"]
    answer = await stranger.ask("history", {"after": 0})
    assert (answer["messages"], stranger.positions()) == ([], [])


async def test_channels_of_tenants_are_as_many_as_tenants(
    server: RunningServer, settings: Settings, acme: Company, namesake: Company
) -> None:
    channel = settings.redis_channel
    assert tenant_channel(channel, acme.id) == f'{channel}:"15"'
    assert tenant_channel(channel, namesake.id) == f"{channel}:15"


async def test_an_operator_moves_and_reviews_what_is_of_its_sites(
    server: RunningServer, connect: Connect, feed: Feed, acme: Company
) -> None:
    ids = [
        str(open_alert(feed.engine, tenant_id=acme.id, site_id=site, person_id=acme.numbered("p")))
        for site in acme.sites
    ]
    claims = {"tenant_id": ACME, "sites": ["15"], "role": "operator"}
    viewer = await connect(server, claims=claims)
    answers = [await viewer.ask("alert_acknowledge", {"alert_id": one}) for one in ids]
    assert [answer["ok"] for answer in answers] == [False, True, False]
    alert = answers[1]["alert"]
    assert (alert["tenant_id"], alert["site_id"], alert["person_id"]) == (ACME, "15", "p")


async def furnished(caller: Caller, feed: Feed, acme: Company) -> None:
    """Store an anomaly of each site, whose person has the id of the site."""
    for number, site in enumerate(acme.sites, 1):
        person = acme.numbered(SITES[number - 1])
        other = ",".join(
            str(one.number if isinstance(one, StringId) else one) for one in acme.sites[:number]
        )
        more: dict[str, Any] = {"person_id": person, "other_sites": other}
        more["private_evidence"] = {"secret": number}
        store_anomaly(feed, number, tenant_id=acme.id, site_id=site, **more)


async def test_lists_are_narrowed_by_ids_in_quotes_and_shown_as_they_came(
    caller: Caller, feed: Feed, acme: Company
) -> None:
    await furnished(caller, feed, acme)
    DIRECTORY.forget()
    everything = await caller.items("/api/v1/anomalies", tenant_id=ACME)
    assert [one["site_id"] for one in everything] == SITES[::-1]
    for site in SITES:
        for name in ("site_id", "person_id"):
            query = f"{name}={quote(spelled(as_came(site)))}"
            (item,) = await caller.items(f"/api/v1/anomalies?{query}", tenant_id=ACME)
            assert (item["tenant_id"], item["site_id"], item["person_id"]) == (ACME, site, site)
    both = ",".join(quote(spelled(as_came(site))) for site in (15, EVIL, "no such"))
    found = await caller.items(f"/api/v1/anomalies?site_id={both}", tenant_id=ACME)
    assert [one["site_id"] for one in found] == [EVIL, 15]
    assert await caller.items("/api/v1/anomalies", tenant_id=NAMESAKE) == []
    response = await caller.get("/api/v1/anomalies?site_id=acme", tenant_id=ACME)
    assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid")
    assert feed.rows("SELECT count(*) FROM string_id WHERE text = 'no such'") == [(0,)]


async def test_a_token_of_some_sites_sees_those_and_the_evidence_of_those_only(
    caller: Caller, feed: Feed, acme: Company
) -> None:
    await furnished(caller, feed, acme)
    for sites, seen in ((["15"], ["15"]), ([15], [15]), ([15, "15"], ["15", 15])):
        found = await caller.items("/api/v1/anomalies", tenant_id=ACME, sites=sites)
        assert [one["site_id"] for one in found] == seen
    both: dict[str, Any] = {"tenant_id": ACME, "sites": [15, "15"]}
    evidence = {
        one["site_id"]: one["private_evidence"]
        for one in await caller.items("/api/v1/anomalies", **both)
    }
    assert evidence == {15: {"secret": 1}, "15": {"secret": 2}}
    (only,) = await caller.items("/api/v1/anomalies", tenant_id=ACME, sites=["15"])
    assert only["private_evidence"] is None


async def test_a_table_has_ids_as_text_and_alerts_and_rejections_their_own(
    caller: Caller, feed: Feed, acme: Company
) -> None:
    open_alert(feed.engine, tenant_id=acme.id, site_id=acme.sites[2], person_id=acme.numbered("p"))
    query = f"site_id={quote(spelled(as_came(EVIL)))}"
    (alert,) = await caller.items(f"/api/v1/alerts?{query}", tenant_id=ACME)
    assert (alert["site_id"], alert["person_id"]) == (EVIL, "p")
    wrong = {"punch_id": "x", "tenant_id": ACME, "site_id": EVIL, "person_id": "p"}
    intake.submit(feed.engine, [wrong])
    admin: dict[str, Any] = {"tenant_id": ACME, "role": "admin"}
    (kept,) = await caller.items(f"/api/v1/rejected?{query}", **admin)
    assert (kept["site_id"], kept["person_id"]) == (EVIL, "p")
    headers = {"Accept": "text/csv"}
    table = await caller.get("/api/v1/alerts", headers=headers, tenant_id=ACME)
    assert '"a_b""c:d,%22 😀"' in await table.text()


async def test_handing_in_is_for_the_very_tenant_and_site_of_the_token(
    caller: Caller, acme: Company, namesake: Company
) -> None:
    punch = {
        "punch_id": "p",
        "tenant_id": ACME,
        "person_id": "7",
        "site_id": "15",
        "kind": "check_in",
        "occurred_at": "2026-11-23T08:00:00Z",
    }

    async def status(changes: dict[str, Any], **claims: Any) -> tuple[int, Any]:
        body = json.dumps(punch | changes)
        asked: dict[str, Any] = {
            "tenant_id": ACME,
            "role": None,
            "scope": "submit",
            "sites": ["15"],
            **claims,
        }
        response = await caller.ask("POST", "/api/v1/punches", data=body, **asked)
        answer = await response.json()
        return response.status, answer.get("status")

    assert await status({}) == (202, "accepted")
    assert await status({"tenant_id": NAMESAKE}) == (403, None)
    assert await status({"site_id": 15}) == (403, None)
    assert await status({}, tenant_id=NAMESAKE) == (403, None)
    assert await status({"punch_id": "q", "site_id": EVIL}, sites="all") == (202, "accepted")


async def test_a_silence_names_sites_and_people_as_they_came(
    caller: Caller, feed: Feed, acme: Company
) -> None:
    operator: dict[str, Any] = {"tenant_id": ACME, "role": "operator"}
    silence: dict[str, Any] = {
        "kind": "silence",
        "reason": "Works.",
        "ends_at": hence(hours=2),
        "sites": ["15", EVIL],
        "people": ["p", 7],
    }
    response = await caller.ask("POST", "/api/v1/quiet", data=json.dumps(silence), **operator)
    made = await response.json()
    assert response.status == 201, made
    assert (made["sites"], made["people"]) == (["15", EVIL], ["p", 7])
    (only,) = await caller.items("/api/v1/quiet", tenant_id=ACME, sites=["15"])
    assert only["sites"] == ["15"]
    unknown = json.dumps(silence | {"sites": ["no such", 99]})
    response = await caller.ask("POST", "/api/v1/quiet", data=unknown, **operator)
    message = 'sites: the tenant\'s roster has no site 99, "no%20such".'
    assert (await response.json())["error"]["message"] == message
    wrong = json.dumps(silence | {"sites": [1.5]})
    response = await caller.ask("POST", "/api/v1/quiet", data=wrong, **operator)
    answer = (await response.json())["error"]["message"]
    assert answer == "sites.0: must be a whole number, or text of 1 to 64 characters"


async def test_metrics_tell_tenants_apart(
    caller: Caller, server: RunningServer, connect: Connect, acme: Company, namesake: Company
) -> None:
    for tenant in (ACME, NAMESAKE):
        viewer = await connect(server, claims={"tenant_id": tenant})
        (acme if tenant == ACME else namesake).say(15)
        await viewer.until_position(1)
    text = await caller.metrics()
    assert 'rollcall_feed_messages_total{tenant_id="\\"15\\""}' in text
    assert 'rollcall_feed_messages_total{tenant_id="15"}' in text


async def test_a_newer_token_of_the_namesake_is_another_viewers(
    server: RunningServer, connect: Connect, settings: Settings, acme: Company
) -> None:
    viewer = await connect(server, claims={"tenant_id": ACME})
    await viewer.until("snapshot")
    for tenant_id, ok in ((ACME, True), (NAMESAKE, False)):
        answer = await viewer.ask("refresh", {"token": token(settings, tenant_id=tenant_id)})  # type: ignore[arg-type]
        assert answer["ok"] is ok
    answer = await viewer.ask("refresh", {"token": token(settings, ACME, sites=["15"])})  # type: ignore[arg-type]
    assert answer["ok"]
    await eventually(lambda: len(viewer.heard("snapshot")) == 2)


async def test_under_a_tenant_that_nobody_knows_nothing_is_kept(
    server: RunningServer, connect: Connect, caller: Caller, feed: Feed
) -> None:
    operator: dict[str, Any] = {"tenant_id": "no such", "role": "operator"}
    silence = {"kind": "silence", "reason": "Works.", "ends_at": hence(hours=2)}
    response = await caller.ask("POST", "/api/v1/quiet", data=json.dumps(silence), **operator)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")
    viewer = await connect(server, claims={"tenant_id": "no such"})
    answer = await viewer.ask("filter_anomalies", {"severities": ["HIGH"]})
    assert answer["filter"] == {"severities": ["HIGH"]}
    for table in ("quiet", "viewer_filter", "string_id"):
        assert feed.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    for path in ("anomalies", "alerts", "quiet", "precision"):
        assert await caller.items(f"/api/v1/{path}", **operator) == []
