"""A tenant that is told things, judged at moments that the test sets, and read back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

import worker.judging.judge
import worker.judging.sweep
from models import feed, intake
from models.database import transaction
from models.feed import payload_text
from models.schemas.payloads import instant_text
from tests.payloads import checked
from tests.properties.days import END, START, Day, Told, sent_at
from tests.worker.load.everything import load_everything
from worker.judging.detect import detect

Standing = dict[tuple[str, str, str], dict[str, Any]]  # by punch_id, shift_id and type

_AHEAD = timedelta(hours=24)
_STANDING = """
SELECT punch_id, shift_id, anomaly_type, person_id, site_id, person_name, site_name, severity, confidence, reason, explanation,
    evidence, private_evidence, other_sites, fraud_score, occurred_at, shadow
FROM anomaly WHERE tenant_id = %s AND standing
"""
_VISIBLE = """
SELECT anomaly_id::text, jsonb_build_object('severity', severity, 'confidence', confidence, 'reason', reason, 'explanation', explanation,
    'evidence', evidence, 'fraud_score', fraud_score, 'status', 'DETECTED', 'person_name', person_name, 'site_name', site_name), occurred_at
FROM anomaly WHERE tenant_id = %s AND standing AND NOT shadow AND NOT backfill
"""


class Clock:
    """The moment of every judgement: what the tenant's lock gives, but for the time."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "Clock":
        real_try, real_wait = worker.judging.judge.try_lock, worker.judging.judge.wait_lock

        def try_lock(cursor: Any, tenant_id: int) -> datetime | None:
            return self.moment if real_try(cursor, tenant_id) else None

        def wait_lock(cursor: Any, tenant_id: int) -> datetime:
            real_wait(cursor, tenant_id)
            return self.moment

        for module in (worker.judging.judge, worker.judging.sweep):
            monkeypatch.setattr(module, "try_lock", try_lock)
            monkeypatch.setattr(module, "wait_lock", wait_lock)
        return self


def silent(tenant_id: int, epoch: str, base: int, messages: list[feed.Message]) -> None:
    """An emit that nobody hears: the feed is what is looked at."""


class Company:
    def __init__(self, engine: Engine, tenant_id: int) -> None:
        self.engine = engine
        self.tenant_id = tenant_id

    def tell(self, batch: Sequence[Told], now: datetime, *, backfill: bool = False) -> list[Told]:
        """Submit a batch; what the door does not take yet, for being too far ahead of the time, is
        given back.
        """
        early = [
            told
            for told in batch
            if told.kind == "punches"
            and any(_moment(content) > now + _AHEAD for content in told.content)
        ]
        calls: dict[tuple[str, int], list[Told]] = {}
        for told in batch:
            if told not in early:
                calls.setdefault((told.door, told.version), []).append(told)
        for (door, version), group in calls.items():
            self._call(door, version, group, backfill)
        return early

    def tell_at_once(self, day: Day) -> None:
        """The same day, each thing once and as it ended, the roster first."""
        tenant = {"tenant_id": self.tenant_id, **day.final_roster["tenant"]}
        intake.sync_roster(
            self.engine, {**day.final_roster, "tenant": tenant, "sent_at": sent_at(0)}
        )
        self._submit(day.final_punches)

    def judge(self) -> None:
        worker.judging.judge.judge(self.engine, self.tenant_id, silent)

    def sweep(self) -> None:
        """As the scheduler does, of tenants that are known."""
        if self._is_known():
            worker.judging.sweep.judge_moments(self.engine, self.tenant_id, silent)

    def swept_until(self, moment: datetime) -> None:
        """A tenant is swept from when it came to be known, which in these tests is long ago."""
        self._rows(
            "UPDATE tenant SET swept_at = %s WHERE tenant_id = %s AND swept_at > %s RETURNING 1",
            moment,
            self.tenant_id,
            END,
        )

    def waiting(self) -> int:
        sql = "SELECT (SELECT count(*) FROM pending WHERE tenant_id = %s) + (SELECT count(*) FROM roster_change WHERE tenant_id = %s)"
        return self._rows(sql, self.tenant_id, self.tenant_id)[0][0]

    def standing(self) -> Standing:
        """All that stands, but for the version of the policy."""
        names = (
            _STANDING.split("FROM")[0]
            .replace("SELECT", "")
            .replace(" ", "")
            .replace("\n", "")
            .split(",")
        )
        rows = [dict(zip(names, row, strict=True)) for row in self._rows(_STANDING, self.tenant_id)]
        return {
            (row["punch_id"], row["shift_id"], row["anomaly_type"]): _unversioned(row)
            for row in rows
        }

    def everything(self, as_of: datetime) -> Standing:
        """What stands by one look at everything there is."""
        if not self._is_known():
            return {}
        with transaction(self.engine) as cursor:
            scored_findings = detect(
                load_everything(
                    cursor,
                    self.tenant_id,
                    START - timedelta(days=30),
                    END + timedelta(days=3),
                    as_of,
                )
            )
        found = {}
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
                "other_sites": ",".join(str(site_id) for site_id in sorted(finding["other_sites"])),
                "fraud_score": scored.fraud_score,
                "shadow": scored.shadow,
            }
            found[subject.punch_id, subject.shift_id, finding["anomaly_type"]] = _unversioned(row)
        return found

    def check_feed(self) -> None:
        """Whoever applies every message in order believes what is so; and no message says again
        what was said.
        """
        said = self._rows(
            "SELECT position, event, body FROM message WHERE tenant_id = %s ORDER BY position",
            self.tenant_id,
        )
        ((head,),) = self._rows("SELECT head FROM tenant WHERE tenant_id = %s", self.tenant_id)
        assert [position for position, _, _ in said] == list(range(1, head + 1))
        believed: dict[str, dict[str, Any]] = {}
        for position, event, body in said:
            checked(event, payload_text(body, position))
            if not event.startswith("anomaly"):
                continue
            payload = orjson.loads(body)
            state = _state(payload)
            before = believed.get(payload["anomaly_id"])
            assert event == ("anomaly_updated" if before else "anomaly_detected") == payload["type"]
            assert before or state["status"] != "WITHDRAWN", (
                "the first thing said of an anomaly is that it does not stand"
            )
            assert state != before, "said again, though nothing changed"
            believed[payload["anomaly_id"]] = state
        standing = {
            anomaly_id: state
            for anomaly_id, state in believed.items()
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

    def _call(self, door: str, version: int, group: list[Told], backfill: bool) -> None:
        if door == "submit":
            self._submit([content for told in group for content in told.content], backfill)
        elif door == "void":
            for told in group:
                intake.void(self.engine, self.tenant_id, told.content, "a test of the clock")
        else:
            roster: dict[str, Any] = {
                "tenant": {"tenant_id": self.tenant_id},
                "sent_at": sent_at(version),
            }
            for told in group:
                if told.kind == "tenant":
                    roster["tenant"] |= told.content
                else:
                    roster.setdefault(told.kind, []).append(told.content)
            intake.sync_roster(self.engine, roster)

    def _submit(self, contents: Iterable[dict[str, Any]], backfill: bool = False) -> None:
        if punches := [{"tenant_id": self.tenant_id, **content} for content in contents]:
            intake.submit(self.engine, punches, backfill=backfill)

    def _rows(self, sql: str, *arguments: Any) -> list[tuple]:
        with transaction(self.engine) as cursor:
            return cursor.execute(sql, arguments).fetchall()


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the database: tuples as lists."""
    return orjson.loads(orjson.dumps(value))


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
