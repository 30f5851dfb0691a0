"""Notices, each of which a tenant gets only once.

They say that a device its roster does not name is used like a kiosk, that a punch_id was used
twice, and that nothing comes of a site or device while people are due there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import Cursor

from models.bulk import document, insert
from models.feed import Message
from models.ids import Id, StringId
from models.numbering import ids_of
from models.schemas.payloads import body_text
from models.vocabulary import Severity
from worker.load.touched import Touched
from worker.rules.evidence import clock
from worker.rules.finding import ScoredFinding
from worker.rules.kiosks import UNDECLARED_SHARED_DEVICE, Kiosk, undeclared_kiosks
from worker.rules.sources import SOURCE_SILENT, Silence, silence_of
from worker.rules.window import Window

PUNCH_ID_REUSED = "PUNCH_ID_REUSED"
# Tells our message_ids from those of noc.publish. Ours are never pruned.
PREFIX = "rollcall:"
# Why a shift that nobody came for is no plain `no_show`.
_MISSED = ("no_show_unheard", "stood_in_for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The payload of a `finding_created` of our own, without what it is about."""

    type: Literal["finding_created"] = "finding_created"
    tenant_id: Id
    severity: Severity = "LOW"
    timestamp: datetime
    site_id: Id
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KioskNotice(Notice):
    """Says that a device is used like a kiosk."""

    device_id: str
    people: int
    seen_at: datetime
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseNotice(Notice):
    """Tells a punch's site that it no longer counts."""

    punch_id: str
    person_id: Id
    occurred_at: str
    other_person_id: Id | None  # None where the other punch was at another site
    other_occurred_at: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceNotice(Notice):
    """Says that a site, or a device by which its people usually punch, is silent."""

    severity: Severity = "HIGH"
    device_id: str | None  # None where it is the site
    silent_since: datetime
    explanation: str


_REMEMBER = f"""
{insert("published", ("tenant_id", "message_id", "said_at"))} ORDER BY message_id
ON CONFLICT (tenant_id, message_id) DO NOTHING
RETURNING message_id
"""


def tell_once(
    cursor: Cursor, window: Window, touched: Touched, found: Iterable[ScoredFinding]
) -> list[Message]:
    """Return a `finding_created` for each notice that the tenant did not get before.

    `found` is what stands on the window's subjects. This takes one statement at most, and one where
    they name string ids that this process does not know.
    """
    notices = _kiosks(window) | _reused(cursor, window, touched) | _silences(window, found)
    if not notices:
        return []
    common = {"tenant_id": window.tenant_id, "said_at": window.as_of}
    rows = document({"message_id": message_id, **common} for message_id in notices)
    new = cursor.execute(_REMEMBER, {"rows": rows}).fetchall()
    return [_message(notices[message_id]) for (message_id,) in sorted(new)]


def _kiosks(window: Window) -> dict[str, Notice]:
    kiosks = undeclared_kiosks(window)
    return {_message_id(UNDECLARED_SHARED_DEVICE, k.device_id): _kiosk(window, k) for k in kiosks}


def _kiosk(window: Window, kiosk: Kiosk) -> Notice:
    usage = f"{kiosk.people} people used the device {kiosk.device_id} within 7 days."
    return KioskNotice(
        tenant_id=window.tenant_id,
        timestamp=window.as_of.astimezone(UTC),
        site_id=kiosk.site_id,
        finding=UNDECLARED_SHARED_DEVICE,
        device_id=kiosk.device_id,
        people=kiosk.people,
        seen_at=kiosk.seen_at.astimezone(UTC),
        explanation=f"{usage} Declare it as shared, or as somebody's.",
    )


def _reused(cursor: Cursor, window: Window, touched: Touched) -> dict[str, Notice]:
    reused = [
        (version.punch_id, reuse)
        for version in touched.punches
        if (reuse := (version.cause or {}).get("reuse"))
    ]
    named = (
        part[name]
        for _, reuse in reused
        for part in reuse.values()
        for name in ("person_id", "site_id")
    )
    ids = ids_of(cursor, window.tenant_id, named)
    notices: dict[str, Notice] = {}
    for punch_id, reuse in reused:
        parts = {part: _with_ids(content, ids) for part, content in reuse.items()}
        message_id = _message_id(PUNCH_ID_REUSED, punch_id)
        notices.setdefault(message_id, _reuse(window, punch_id, **parts))
    return notices


def _with_ids(content: dict[str, Any], ids: dict[str, StringId]) -> dict[str, Any]:
    """Return what is said of a punch, in which JSON left of string ids their texts only."""
    named = {name: content[name] for name in ("person_id", "site_id")}
    return content | {
        name: ids[value] if isinstance(value, str) else value for name, value in named.items()
    }


def _reuse(window: Window, punch_id: str, lost: dict[str, Any], other: dict[str, Any]) -> Notice:
    """Return the notice for the site of the punch that is lost to the `other` of the same id.

    Where the other was at another site, it names only its time.
    """
    is_same_site = other["site_id"] == lost["site_id"]
    is_same_person = other["person_id"] == lost["person_id"]
    whom = "the same person" if is_same_person else "another person"
    where = "" if is_same_site else " at another site"
    return ReuseNotice(
        tenant_id=window.tenant_id,
        timestamp=window.as_of.astimezone(UTC),
        site_id=lost["site_id"],
        finding=PUNCH_ID_REUSED,
        punch_id=punch_id,
        person_id=lost["person_id"],
        occurred_at=lost["occurred_at"],
        other_person_id=other["person_id"] if is_same_site else None,
        other_occurred_at=other["occurred_at"],
        explanation=f"The punch_id {punch_id} of {lost['occurred_at']} also came for {whom}{where} "
        f"at {other['occurred_at']}, which is taken as a correction: this punch does not count. "
        "Two clocks may use the same numbers; give each its own.",
    )


def _silences(window: Window, found: Iterable[ScoredFinding]) -> dict[str, Notice]:
    """Each silence is told once: by the shift that first began in it, however it is split later."""
    notices: dict[str, Notice] = {}
    for finding, is_shadow, *_ in found:
        shift = window.shifts.get(finding.subject.shift_id)
        if shift is None or is_shadow or finding.reason not in _MISSED:
            continue
        if silence := silence_of(window, shift):
            first = silence.first.astimezone(UTC).isoformat()
            source = f"{silence.site_id}:{silence.device_id or ''}:{first}"
            notices.setdefault(_message_id(SOURCE_SILENT, source), _silence(window, silence))
    return notices


def _silence(window: Window, silence: Silence) -> Notice:
    site = window.site_name(silence.site_id, silence.first)
    what = f"the device {silence.device_id} at {site}" if silence.device_id else site
    since = clock(window, silence.site_id, silence.since)
    return SilenceNotice(
        tenant_id=window.tenant_id,
        timestamp=window.as_of.astimezone(UTC),
        site_id=silence.site_id,
        finding=SOURCE_SILENT,
        device_id=silence.device_id,
        silent_since=silence.since.astimezone(UTC),
        explanation=f"Nothing came of {what} since {since}, while several people were due there "
        "who have not been heard of. Look at its clock, its power and its network before anybody "
        "counts as absent.",
    )


def _message_id(finding: str, subject: str) -> str:
    return f"{PREFIX}{finding}:{subject}"


def _message(notice: Notice) -> Message:
    severity = notice.severity
    return Message(notice.type, notice.site_id, None, severity, None, body_text(notice))
