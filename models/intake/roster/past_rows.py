"""What a statement makes of a row that has a past: the statement, its versions, the row by now."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from models.intake.flaws import flaws
from models.intake.punches.row import SENT_AHEAD
from models.intake.refused.reasons import Reason, Refused, reason
from models.intake.roster.far_from_site import PLACE, far_from_site
from models.intake.roster.kinds import SITE, Columns, Kind
from models.intake.roster.laying import (
    Version,
    adds_nothing,
    by_key,
    holds_from,
    lay,
    version_at,
    zone_of,
)
from models.intake.roster.past_tables import Stored, Written, kept
from models.intake.roster.statement import Statement
from models.intake.roster.tables import RowKey
from models.policy import validate
from models.schemas.roster import PastRow


def check(row: PastRow) -> None:
    """Raise Refused where what a row says cannot be kept, whatever else is said of it."""
    unkept = [
        flaw
        for name, value in (row.model_extra or {}).items()
        for flaw in flaws({name: value}, name)
    ]
    if problems := unkept or list(_policy_problems(getattr(row, "policy", None))):
        raise Refused(problems)


def repeats(kind: Kind, stored: Stored, statement: Statement) -> bool:
    """Tell whether a statement says only how the row was already, so that no version changes.

    It is asked without a look at the other statements. What lies below this one has said the same,
    or what lies above it: in either case it makes no difference. What is said before all others
    does, as the first of them then holds since ever no more.
    """
    if stored.first is None or stored.last is None or stored.first >= statement.said_at:
        return stored.last == (statement.said_at, statement.digest)
    row = stored.row
    since = statement.said_at
    if statement.effective_from is not None or statement.correction:
        since = holds_from(statement, stored.first, zone_of(row or {}))
    if since > statement.said_at or (statement.deleted and since < statement.said_at):
        return False
    if statement.deleted:
        is_over = all(version.until <= statement.said_at for version in stored.versions)
        return (
            is_over and stored.last[0] <= statement.said_at and (stored.last[1] == statement.digest)
        )
    then = _versions_between(stored.versions, since, statement.said_at)
    return (
        bool(then)
        and row is not None
        and not row["deleted"]
        and all(_says_the_same_of(kind, version, row, statement) for version in then)
        and _has_all(row["extra"] or {}, statement.extra or {})
    )


def _versions_between(
    versions: Sequence[Version], since: datetime, until: datetime
) -> Sequence[Version]:
    """Return the versions from one moment to another, included; none where the row is not there all
    the time.
    """
    then = [version for version in versions if version.since <= until and version.until > since]
    if not then or then[0].since > since or then[-1].until <= until:
        return []
    has_gap = any(one.until < other.since for one, other in pairwise(then))
    return [] if has_gap else then


def with_extra(
    kind: Kind, stored: Stored, statement: Statement, sent_at: datetime | None
) -> Columns | None:
    """Return the row with the unknown fields of a statement that repeats the rest, or None.

    That takes no look at the other statements where none was said later: these fields have no past.
    """
    last, row = stored.last, stored.row
    if last is None or row is None or row["deleted"] or last[0] >= statement.said_at:
        return None
    if statement.deleted or statement.effective_from is not None or statement.correction:
        return None
    version = version_at(stored.versions, statement.said_at)
    if version is None or not _says_the_same_of(kind, version, row, statement):
        return None
    extra = by_key(kept(row["extra"] or {}), statement.extra or {}) or None
    return row | {"extra": extra, "sent_at": sent_at or row["sent_at"]}


def _says_the_same_of(kind: Kind, version: Version, row: Columns, statement: Statement) -> bool:
    """Tell whether a statement has the fields Rollcall knows as they were when it was said."""
    return all(
        _says_the_same(kind, version.columns.get(name, row.get(name)), name, value)
        for name, value in statement.content.items()
    )


def _says_the_same(kind: Kind, before: object, name: str, value: object) -> bool:
    if name == "policy" and isinstance(before, dict) and isinstance(value, dict):
        return _has_all(before, value)
    return before == (kind.blank.get(name) if value is None else value)


def _has_all(before: Columns, new: Columns) -> bool:
    """Tell whether merging by key would change nothing."""
    return all(before.get(name) == value for name, value in new.items())


def written(
    kind: Kind,
    key: RowKey,
    stored: Stored,
    told: Sequence[Statement],
    statement: Statement,
    sent_at: datetime | None,
    now: datetime,
) -> Written | None:
    """Return what to write for a statement beside those `told` before, or None where nothing.

    One without `sent_at` that adds nothing is left out. Raises Refused where it makes no valid row.
    """
    if any(one[:2] == statement[:2] for one in told):
        return None
    laid = lay(kind, [*told, statement])
    if problems := list(_problems(kind, laid.versions, stored.versions, statement)):
        raise Refused(problems)
    versions = None if laid.versions == list(stored.versions) else laid.versions
    if sent_at is None and versions is None and adds_nothing(kind, told, statement):
        return None
    row = row_by_now(kind, key, stored.row, laid.versions, laid.throughout, sent_at, now)
    return Written(key, statement, row, versions)


def row_by_now(
    kind: Kind,
    key: RowKey,
    before: Columns | None,
    versions: Sequence[Version],
    throughout: Columns,
    sent_at: datetime | None,
    now: datetime,
) -> Columns | None:
    """Return the row's columns as they are by now, or None where those `before` are right.

    One that is not there is `deleted`, and as it was last, or will be first. One that never is has
    only what has no past, where any of that was said: the days of assignments at a site are by its
    zone. So what was there on the way, as statements came, makes no difference.
    """
    latest = [version for version in versions if version.since <= now][-1:] or versions[:1]
    is_spoken_of = any(name in throughout for name in kind.throughout)
    if not latest and not is_spoken_of and before is None:
        return None
    columns: Columns = {
        **dict(zip(kind.key, key, strict=True)),
        **kind.required,
        **kind.blank,
        **(latest[0].columns if latest else {}),
        **throughout,
    }
    written_at = before and before["sent_at"]
    columns |= {"sent_at": written_at, "deleted": version_at(versions, now) is None}
    if columns == before:
        return None
    if written_at and written_at > now + SENT_AHEAD:  # from before that counted as its receipt
        written_at = None
    return columns | {"sent_at": sent_at or written_at}


def _problems(
    kind: Kind, after: Sequence[Version], before: Sequence[Version], statement: Statement
) -> Iterator[Reason]:
    """Yield what is wrong with versions that were not there before `statement`, each once."""
    found = []
    places = []
    for version in after:
        if version in before:
            continue
        columns = version.columns
        if kind is SITE and (columns["latitude"] is None) != (columns["longitude"] is None):
            found.append(
                reason(
                    "missing",
                    "latitude",
                    "and longitude go together; give both, or null for both",
                )
            )
        elif kind is SITE and (place := [columns[name] for name in PLACE]) not in places:
            places.append(place)
            found += far_from_site(columns, statement.content.keys())
        found += _policy_problems(columns.get("policy"))
    for number, problem in enumerate(found):
        if problem not in found[:number]:
            yield problem


def _policy_problems(policy: Columns | None) -> Iterator[Reason]:
    for problem in validate(policy) if policy else ():
        yield reason("bad_policy", "policy", problem)
