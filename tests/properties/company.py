"""A tenant to which a test submits things, judges it at moments of its own, and reads it back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

import models.intake.roster.sync
import worker.judging.judge
import worker.judging.sweep
from models import feed, intake
from models.database import transaction
from models.feed import payload_text
from models.ids import Id, key_text
from models.schemas.payloads import instant_text
from tests.payloads import checked
from tests.properties.changing import Told, calls, roster_of
from tests.properties.days import END, START, Day, Submission, said_at
from tests.worker.load.everything import load_everything
from worker.judging.detect import detect

Standing = dict[tuple[str, str, str], dict[str, Any]]  # by punch_id, shift_id and type

_AHEAD = timedelta(hours=24)
_COLUMNS = (
    *("punch_id", "shift_id", "anomaly_type", "person_id", "site_id", "person_name", "site_name"),
    *("severity", "confidence", "reason", "explanation", "evidence", "private_evidence"),
    *("other_sites", "fraud_score", "occurred_at", "shadow"),
)
_STANDING = f"SELECT {', '.join(_COLUMNS)} FROM anomaly WHERE tenant_id = %s AND standing"
_VISIBLE = """
SELECT
    anomaly_id::text,
    jsonb_build_object(
        'severity', severity, 'confidence', confidence, 'reason', reason,
        'explanation', explanation, 'evidence', evidence, 'fraud_score', fraud_score,
        'status', 'DETECTED', 'person_name', person_name, 'site_name', site_name
    ),
    occurred_at
FROM anomaly WHERE tenant_id = %s AND standing AND NOT shadow AND NOT backfill
"""
_WAITING = """
SELECT (SELECT count(*) FROM pending WHERE tenant_id = %s)
    + (SELECT count(*) FROM roster_change WHERE tenant_id = %s)
"""


class Clock:
    """The moment of every judgement, in place of the one that the tenant's lock gives."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "Clock":
        real_try, real_wait = worker.judging.judge.try_lock, worker.judging.judge.wait_lock

        def try_lock(cursor: Any, tenant_id: Id) -> datetime | None:
            return self.moment if real_try(cursor, tenant_id) else None

        def wait_lock(cursor: Any, tenant_id: Id) -> datetime:
            real_wait(cursor, tenant_id)
            return self.moment

        for module in (worker.judging.judge, worker.judging.sweep):
            monkeypatch.setattr(module, "try_lock", try_lock)
            monkeypatch.setattr(module, "wait_lock", wait_lock)
        return self

    def tick(self) -> None:
        """Let the least time pass: no two rosters are received at one moment."""
        self.moment += timedelta(microseconds=1)

    def install_for_rosters(self, monkeypatch: pytest.MonkeyPatch) -> "Clock":
        """Be the moment of every roster's receipt as well."""
        received = SimpleNamespace(now=lambda _zone: self.moment)
        monkeypatch.setattr(models.intake.roster.sync, "datetime", received)
        return self


def silent(tenant_id: Id, epoch: str, base: int, messages: list[feed.Message]) -> None:
    """Publish nothing, as these tests look at the feed."""


class Company:
    """One tenant of the database."""

    def __init__(self, engine: Engine, tenant_id: Id) -> None:
        self.engine = engine
        self.tenant_id = tenant_id

    def submit(
        self, batch: Sequence[Submission], now: datetime, *, backfill: bool = False
    ) -> list[Submission]:
        """Submit a batch. Return those that are too far ahead of `now` to be taken yet."""
        early = [
            submission
            for submission in batch
            if submission.kind == "punches"
            and any(_moment(content) > now + _AHEAD for content in submission.content)
        ]
        calls: dict[tuple[str, int], list[Submission]] = {}
        for submission in batch:
            if submission not in early:
                calls.setdefault((submission.call, submission.version), []).append(submission)
        for (call, version), group in calls.items():
            self._call(call, version, group, backfill)
        return early

    def submit_at_once(self, day: Day) -> None:
        """Submit what the day comes to: the rosters as they were said, and then each punch as it
        ended.
        """
        for version, roster in enumerate(day.rosters):
            tenant = {"tenant_id": self.tenant_id, **roster.get("tenant", {})}
            said = {"tenant": tenant, "sent_at": said_at(version)}
            intake.sync_roster(self.engine, {**roster, **said})
        self._submit_punches(day.final_punches)

    def sync(self, told: Sequence[Told]) -> None:
        """Sync one roster that says all this, no row of which may be wrong."""
        outcome = intake.sync_roster(self.engine, roster_of(self.tenant_id, told))
        assert outcome.refused == []

    def tell_at_once(self, told: Iterable[Told], punches: list[dict[str, Any]]) -> None:
        """Submit all that was said of the roster, then what the punches come to."""
        for call in calls(told):
            self.sync(call)
        self._submit_punches(punches)

    def judge(self) -> None:
        worker.judging.judge.judge(self.engine, self.tenant_id, silent)

    def sweep(self) -> None:
        """Sweep the tenant if it is known, as beat does."""
        if self._is_known():
            worker.judging.sweep.judge_moments(self.engine, self.tenant_id, silent)

    def swept_until(self, moment: datetime) -> None:
        """Count the tenant as swept until `moment`, if it is known.

        Else it would be swept from when it came to be known, which is long after these days.
        """
        self._rows(
            "UPDATE tenant SET swept_at = %s WHERE tenant_id = %s AND swept_at > %s RETURNING 1",
            moment,
            self.tenant_id,
            END,
        )

    def waiting(self) -> int:
        """Return how many versions and changes wait to be judged."""
        ((count,),) = self._rows(_WAITING, self.tenant_id, self.tenant_id)
        return int(count)

    def standing(self) -> Standing:
        """Return all that stands, but for the version of the policy."""
        rows = [
            dict(zip(_COLUMNS, row, strict=True)) for row in self._rows(_STANDING, self.tenant_id)
        ]
        return {
            (row["punch_id"], row["shift_id"], row["anomaly_type"]): _unversioned(row)
            for row in rows
        }

    def everything(self, as_of: datetime) -> Standing:
        """Return what stands by one look at everything there is."""
        if not self._is_known():
            return {}
        first, last = START - timedelta(days=30), END + timedelta(days=3)
        with transaction(self.engine) as cursor:
            scored_findings = detect(load_everything(cursor, self.tenant_id, first, last, as_of))
        standing = {}
        for scored in scored_findings:
            finding = scored.finding._asdict()
            subject, private = finding.pop("subject"), finding.pop("private")
            row = finding | {
                "punch_id": subject.punch_id,
                "shift_id": subject.shift_id,
                "person_name": scored.person_name,
                "site_name": scored.site_name,
                "evidence": _as_json(finding["evidence"]),
                "private_evidence": private and _as_json(private),
                "other_sites": ",".join(map(key_text, sorted(finding["other_sites"]))),
                "fraud_score": scored.fraud_score,
                "shadow": scored.shadow,
            }
            key = subject.punch_id, subject.shift_id, finding["anomaly_type"]
            standing[key] = _unversioned(row)
        return standing

    def check_feed(self) -> None:
        """Check that whoever applies every message in order knows what stands, without repeats."""
        messages = self._rows(
            "SELECT position, event, body FROM message WHERE tenant_id = %s ORDER BY position",
            self.tenant_id,
        )
        ((head,),) = self._rows("SELECT head FROM tenant WHERE tenant_id = %s", self.tenant_id)
        assert [position for position, _, _ in messages] == list(range(1, head + 1))
        states = _states_of(messages)
        standing = {
            anomaly_id: state
            for anomaly_id, state in states.items()
            if state["status"] != "WITHDRAWN"
        }
        visible = self._rows(_VISIBLE, self.tenant_id)
        assert standing == {
            anomaly_id: _state(row | {"occurred_at": instant_text(at)})
            for anomaly_id, row, at in visible
        }

    def _is_known(self) -> bool:
        return bool(
            self._rows("SELECT 1 FROM tenant WHERE tenant_id = %s AND NOT deleted", self.tenant_id)
        )

    def _call(self, call: str, version: int, group: list[Submission], backfill: bool) -> None:
        if call == "submit":
            contents = [content for submission in group for content in submission.content]
            self._submit_punches(contents, backfill)
        elif call == "void":
            for submission in group:
                intake.void(self.engine, self.tenant_id, submission.content, "a test of the clock")
        else:
            roster: dict[str, Any] = {
                "tenant": {"tenant_id": self.tenant_id},
                "sent_at": said_at(version),
            }
            for submission in group:
                if submission.kind == "tenant":
                    roster["tenant"] |= submission.content
                else:
                    roster.setdefault(submission.kind, []).append(submission.content)
            intake.sync_roster(self.engine, roster)

    def _submit_punches(self, contents: Iterable[dict[str, Any]], backfill: bool = False) -> None:
        if punches := [{"tenant_id": self.tenant_id, **content} for content in contents]:
            intake.submit(self.engine, punches, backfill=backfill)

    def _rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as cursor:
            return cursor.execute(sql, arguments).fetchall()


def _states_of(messages: Iterable[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    """Return the state of each anomaly after these messages, none of which says nothing new."""
    states: dict[str, dict[str, Any]] = {}
    for position, event, body in messages:
        checked(event, payload_text(body, position))
        if not event.startswith("anomaly"):
            continue
        payload = orjson.loads(body)
        state = _state(payload)
        before = states.get(payload["anomaly_id"])
        assert event == ("anomaly_updated" if before else "anomaly_detected") == payload["type"]
        assert before or state["status"] != "WITHDRAWN", (
            "the first message of an anomaly says that it does not stand"
        )
        assert state != before, "said again, though nothing changed"
        states[payload["anomaly_id"]] = state
    return states


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    """Return the value as it comes back from the database, with lists for tuples."""
    loaded: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return loaded


def _moment(content: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(content["occurred_at"])


def _unversioned(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "evidence": {
            name: value for name, value in row["evidence"].items() if name != "policy_version"
        },
    }


def _state(payload: dict[str, Any]) -> dict[str, Any]:
    names = (
        "status",
        "severity",
        "confidence",
        "reason",
        "explanation",
        "evidence",
        "fraud_score",
        "occurred_at",
        "person_name",
        "site_name",
    )
    return _unversioned({name: payload[name] for name in names})
