"""A snapshot and the messages after it are the later snapshot.

Whatever happens to alerts in between, whatever the viewer hears of it, and also where Postgres is
ahead of the server.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.rows import class_row

from models.alerts.alert import Alert
from models.alerts.move import Actor, WantedMove, apply, make_moves
from models.alerts.moves import SYSTEM, MoveRefused
from models.alerts.rows import (
    SELECTED,
    Entry,
    lock_alerts,
    message_of,
    messages_of,
    save,
)
from models.database import transaction
from models.feed import Message, append
from models.policy import DEFAULT_POLICY
from models.vocabulary import SEVERITIES
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import Connect, Feed, RunningServer, Watcher, eventually

OPERATOR = Actor("olga", "operator", None)
ALL = 500
WAITS_FOR_NOBODY = ("RESOLVED", "SUPPRESSED")
TENANTS = count(1_000)


@dataclass(frozen=True, eq=False)
class Hears:
    """The token's sites, the filter, and how many recent messages a viewer asks for."""

    sites: Any
    filter: Any
    history: int


HEARINGS = (
    Hears("all", {}, ALL),
    Hears("all", {}, 3),
    Hears([15], {}, ALL),
    Hears("all", {"severities": ["LOW", "HIGH"]}, ALL),
    Hears("all", {"types": ["WRONG_PERSON"], "sites": [15, 16]}, ALL),
    Hears([15, 16], {"severities": ["CRITICAL"], "sites": [16]}, ALL),
)


class Page:
    """What a client shows that was given a snapshot, and applies what it hears."""

    def __init__(self, snapshot: dict[str, Any], history: int) -> None:
        self.history = history
        self.filter = snapshot["filter"]
        self.recent = list(snapshot["recent"])
        self.open_alerts = dict(snapshot["open_alerts"])
        self.alerts: dict[str, str | None] = {}
        for payload in reversed(self.recent):
            self._alert(payload)

    def hear(self, payload: dict[str, Any]) -> None:
        self.recent = [payload, *self.recent][: self.history]
        if "alert_id" in payload:
            before, after = self.alerts.get(payload["alert_id"]), self._alert(payload)
            if before:
                self.open_alerts[before] -= 1
            if after:
                self.open_alerts[after] += 1

    def _alert(self, payload: dict[str, Any]) -> str | None:
        """The severity under which it counts from now on; None where it does not."""
        if "alert_id" not in payload:
            return None
        severity = payload["severity"]
        counts = payload["status"] not in WAITS_FOR_NOBODY
        counts = counts and severity in self.filter.get("severities", SEVERITIES)
        self.alerts[payload["alert_id"]] = severity if counts else None
        return self.alerts[payload["alert_id"]]


class Desk:
    """What judges, operators and time do to a tenant's alerts. The server looks for itself."""

    def __init__(self, feed: Feed, tenant_id: int) -> None:
        self.feed = feed
        self.tenant_id = tenant_id
        self.people = count(1)

    def open(self, site_id: int, kind: str, severity: str) -> None:
        fields: dict[str, Any] = {"site_id": site_id, "anomaly_type": kind, "severity": severity}
        open_alert(
            self.feed.engine, tenant_id=self.tenant_id, person_id=next(self.people), **fields
        )

    def move(self, which: int, name: str) -> None:
        if alerts := self._alerts():
            alert_id = alerts[which % len(alerts)].alert_id
            make_moves(
                self.feed.engine,
                self.tenant_id,
                OPERATOR,
                [WantedMove(alert_id, name, "Why.", "Ann")],
            )

    def bump(self, which: int, severity: str) -> None:
        if alerts := [alert for alert in self._alerts() if alert.status != "RESOLVED"]:
            alert = alerts[which % len(alerts)]
            graver = max(alert.severity, severity, key=SEVERITIES.index)
            self._save(alert, replace(alert, severity=graver, count=alert.count + 1), "bump")

    def system(self, which: int, name: str) -> None:
        if alerts := self._alerts():
            alert = alerts[which % len(alerts)]
            try:
                self._save(
                    alert,
                    apply(alert, name, SYSTEM, DEFAULT_POLICY, alert.updated_at, {}),
                    name,
                )
            except MoveRefused:
                return

    def rename(self, which: int) -> None:
        """Rename it as an alert that joins others: without a line in the trail or a new version."""
        if alerts := self._alerts():
            alert, other = alerts[which % len(alerts)], alerts[0]
            with transaction(self.feed.engine) as cursor:
                at = lock_alerts(cursor, self.tenant_id)
                sql = "UPDATE alert SET correlation_id = %s, updated_at = %s WHERE alert_id = %s"
                cursor.execute(sql, (other.correlation_id, at, alert.alert_id))
                renamed = replace(alert, correlation_id=other.correlation_id, updated_at=at)
                append(cursor, self.tenant_id, [message_of(renamed, alert)])

    def publish(self, site_id: int | None, severity: str | None) -> None:
        body = {
            "type": "ticket_updated",
            "tenant_id": self.tenant_id,
            "site_id": site_id,
            "severity": severity,
        }
        text = orjson.dumps(body | {"timestamp": "2026-03-02T08:00:00Z"}).decode()
        with transaction(self.feed.engine) as cursor:
            append(
                cursor,
                self.tenant_id,
                [Message("ticket_updated", site_id, None, severity, None, text)],
            )

    def head(self) -> int:
        ((head,),) = self.feed.rows(f"SELECT head FROM tenant WHERE tenant_id = {self.tenant_id}")
        assert isinstance(head, int)
        return head

    def _alerts(self) -> list[Alert]:
        sql = f"SELECT {SELECTED} FROM alert WHERE tenant_id = %s ORDER BY alert_id"
        with transaction(self.feed.engine) as cursor:
            alerts = cursor.connection.cursor(row_factory=class_row(Alert))
            return alerts.execute(sql, (self.tenant_id,)).fetchall()

    def _save(self, before: Alert, after: Alert, move: str) -> None:
        with transaction(self.feed.engine) as cursor:
            at = lock_alerts(cursor, self.tenant_id)
            entry = Entry(before=before, alert=after, actor=SYSTEM, role=SYSTEM, move=move)
            append(cursor, self.tenant_id, messages_of(save(cursor, [entry], at)))


which = st.integers(0, 9)
severity = st.sampled_from(SEVERITIES)
DEEDS = st.one_of(
    st.tuples(
        st.just("open"),
        st.sampled_from([15, 16, 17]),
        st.sampled_from(["WRONG_PERSON", "GPS_SPOOFING"]),
        severity,
    ),
    st.tuples(
        st.just("move"),
        which,
        st.sampled_from(["acknowledge", "assign", "escalate", "resolve", "note"]),
    ),
    st.tuples(st.just("bump"), which, severity),
    st.tuples(
        st.just("system"),
        which,
        st.sampled_from(["suppress", "raise", "escalate", "resolve"]),
    ),
    st.tuples(st.just("rename"), which),
    st.tuples(st.just("publish"), st.sampled_from([None, 15, 16]), st.none() | severity),
)
# A deed, whether the server is told of it at once, and which viewer comes then, if one does.
COMES = st.sampled_from([None] * len(HEARINGS) + list(range(len(HEARINGS))))
STEPS = st.lists(st.tuples(DEEDS, st.booleans(), COMES), min_size=6, max_size=14)


async def come(connect: Connect, server: RunningServer, tenant_id: int, hears: Hears) -> Watcher:
    claims = {"tenant_id": tenant_id, "sites": hears.sites}
    watcher = await connect(server, claims=claims, filter=hears.filter, history=hears.history)
    await watcher.until("snapshot")
    return watcher


async def reach(server: RunningServer, tenant_id: int, head: int) -> None:
    """Have the server look at the feed, and all its viewers of the tenant told."""

    def is_told() -> bool:
        followers = server.noc.followers.values()
        of_tenant = [follower for follower in followers if follower.feed.tenant_id == tenant_id]
        for follower in of_tenant:
            follower.feed.start_catching_up()
        return all(follower.feed.head >= head and follower.viewer.group for follower in of_tenant)

    await eventually(is_told)


def played(watcher: Watcher, history: int) -> Page:
    """The page that it shows: its snapshot, and what it heard after it."""
    (snapshot,) = watcher.heard("snapshot")
    page = Page(snapshot, history)
    for event, payload, _ in watcher.events:
        if event != "snapshot":
            assert payload["position"] > snapshot["position"]
            page.hear(payload)
    return page


def shown(page: Page) -> dict[str, Any]:
    # Of alerts that came before its few recent messages a viewer does not know how they counted.
    counts = page.open_alerts if page.history == ALL else None
    return {"recent": page.recent, "open_alerts": counts, "filter": page.filter}


# No shrinking: an example takes a second, and is short.
BOUNDED = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@BOUNDED
@given(steps=STEPS)
async def test_a_snapshot_and_what_is_heard_after_it_are_the_later_snapshot(
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    steps: Iterable[tuple[tuple[Any, ...], bool, int | None]],
) -> None:
    tenant_id = next(TENANTS)
    feed.open(tenant_id)
    desk = Desk(feed, tenant_id)
    came = [(HEARINGS[0], await come(connect, server, tenant_id, HEARINGS[0]))]
    for (deed, *arguments), is_told, who in steps:
        getattr(desk, deed)(*arguments)
        if is_told:
            await reach(server, tenant_id, desk.head())
        if who is not None:
            came.append((HEARINGS[who], await come(connect, server, tenant_id, HEARINGS[who])))
    await reach(server, tenant_id, desk.head())
    heard = {hears for hears, _ in came}
    last = {hears: await come(connect, server, tenant_id, hears) for hears in heard}
    for hears, watcher in came:
        await watcher.ask("history", {"limit": 1})  # what was written before has come
        (snapshot,) = last[hears].heard("snapshot")
        assert snapshot["position"] == desk.head()
        assert shown(played(watcher, hears.history)) == shown(Page(snapshot, hears.history))
    for watcher in (*(one for _, one in came), *last.values()):
        await watcher.close()
