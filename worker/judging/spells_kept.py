"""Keep the spells that people began, and judge again whoever checks out at a site now by another
answer.

Who checks out where is counted over the spells of two weeks. So a judgement first writes those of
its punches as they are now, and then counts. Where one changed, later check-ins at its site may be
judged otherwise: the person's own, and those of people with too few of their own. Of these only the
ones whose answer is another are judged again, in later batches; when one more check-out makes no
difference, nothing is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from psycopg import Cursor

from models.bulk import document
from models.ids import Id
from worker.judging.later import leave
from worker.load import ranges
from worker.load.ranges import merge, unnest
from worker.load.spell_counts import Begun, Count, count_spells
from worker.load.touched import Touched
from worker.rules.checking_out import COUNTED_DAYS, LEAST_OWN, answer, is_closed_there
from worker.rules.finding import Subject
from worker.rules.spells import spell_of
from worker.rules.window import SpellCounts, Window

# The longest spell that a policy may allow, and the day within which it counts after its end.
_WORKED = timedelta(hours=72) + timedelta(hours=24)
# The longest that a policy may have a spell open before it counts as forgotten.
_LONGEST_OPEN = timedelta(hours=144)

# Each row takes one look into the index, whatever the planner knows of the table.
_KEEP = """
WITH changed AS MATERIALIZED (
    SELECT n.punch_id, n.person_id, n.site_id, n.begun_at, n.closed,
        s.person_id AS person_before, s.site_id AS site_before, s.begun_at AS begun_before,
        s.closed AS closed_before
    FROM jsonb_populate_recordset(NULL::spell, %(rows)s::jsonb) AS n
    LEFT JOIN LATERAL (
        SELECT * FROM spell
        WHERE spell.tenant_id = %(tenant_id)s AND spell.punch_id = n.punch_id
        OFFSET 0
    ) AS s ON true
    WHERE (n.person_id, n.site_id, n.begun_at, n.closed)
        IS DISTINCT FROM (s.person_id, s.site_id, s.begun_at, s.closed)
), gone AS (
    DELETE FROM spell
    WHERE spell.tenant_id = %(tenant_id)s
        AND spell.punch_id = ANY(ARRAY(SELECT punch_id FROM changed WHERE person_id IS NULL))
), kept AS (
    INSERT INTO spell (tenant_id, punch_id, person_id, site_id, begun_at, closed)
    SELECT %(tenant_id)s, punch_id, person_id, site_id, begun_at, closed
    FROM changed WHERE person_id IS NOT NULL
    ORDER BY punch_id COLLATE "C"
    ON CONFLICT (tenant_id, punch_id) DO UPDATE SET
        person_id = excluded.person_id, site_id = excluded.site_id,
        begun_at = excluded.begun_at, closed = excluded.closed
)
SELECT punch_id, person_before, site_before, begun_before, closed_before,
    person_id, site_id, begun_at, closed
FROM changed
"""
# Spells that began in the days after one that changed, itself included: the person's own there, and
# those of people who have too few there, beside the spell itself, to go by their own.
_AFTER = f"""
SELECT s.punch_id, s.person_id, s.site_id, s.begun_at
FROM json_to_recordset(%(own)s::json)
  AS r(site_id bigint, person_id bigint, since timestamptz, until timestamptz)
CROSS JOIN LATERAL (
  SELECT * FROM spell
  WHERE spell.tenant_id = %(tenant_id)s AND spell.site_id = r.site_id
    AND spell.person_id = r.person_id AND spell.begun_at BETWEEN r.since AND r.until
  OFFSET 0
) AS s
UNION
SELECT s.punch_id, s.person_id, s.site_id, s.begun_at
FROM {unnest("sites", "site_id", "bigint")}
CROSS JOIN LATERAL (
  SELECT * FROM spell
  WHERE spell.tenant_id = %(tenant_id)s AND spell.site_id = r.site_id
    AND spell.begun_at BETWEEN r.since AND r.until
  OFFSET 0
) AS s
WHERE (
    SELECT count(*) FROM (
      SELECT FROM spell o
      WHERE o.tenant_id = %(tenant_id)s AND o.site_id = s.site_id AND o.person_id = s.person_id
        AND o.begun_at BETWEEN s.begun_at - %(days)s AND s.begun_at
      LIMIT %(few)s + 1
    ) AS own
  ) <= %(few)s
"""
# Sites with a spell that was not closed there, in the days that count to some check-ins.
_UNCLOSED = f"""
SELECT r.site_id FROM {unnest("sites", "site_id", "bigint")}
WHERE (SELECT EXISTS (
  SELECT FROM spell
  WHERE spell.tenant_id = %(tenant_id)s AND spell.site_id = r.site_id
    AND spell.begun_at BETWEEN r.since - %(days)s AND r.until AND NOT spell.closed
))
"""
# Where a pair of punches is no work any more, or is work again, so is it to what follows.
_JUDGED_BY = f"""
SELECT p.punch_id FROM {unnest("people", "person_id", "bigint")}
JOIN punch p ON p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id
  AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL AND p.is_check_in
"""


class _Step(NamedTuple):
    """A spell that came to be counted, or is no more."""

    punch_id: str
    person_id: Id
    site_id: Id
    begun_at: datetime
    counts: Count  # by which the counts that it belongs to have changed


def keep_spells(cursor: Cursor, window: Window, touched: Touched) -> None:
    """Write the spells of the punches that the window judges where they are others than before, and
    have whatever is to be judged by others now wait.

    It takes a constant number of statements, and one where no spell changed. Needs the tenant's
    lock.
    """
    punch_ids = sorted(subject.punch_id for subject in window.subjects if subject.punch_id)
    if not punch_ids:
        return
    rows = document(_row(window, punch_id) for punch_id in punch_ids)
    changed = cursor.execute(_KEEP, {"tenant_id": window.tenant_id, "rows": rows}).fetchall()
    if steps := list(_steps(changed)):
        later = _answered_otherwise(cursor, window, steps)
        leave(cursor, window.tenant_id, touched, _judged_by(cursor, window, later), window.as_of)


def _row(window: Window, punch_id: str) -> dict[str, Any]:
    """Return the spell that a punch begins; one without a person where it begins none."""
    punch = window.punch(punch_id)
    spell = spell_of(window, punch) if punch and punch.is_check_in else None
    if punch is None or spell is None or spell.check_in.punch_id != punch_id:
        return {"punch_id": punch_id}
    return {
        "punch_id": punch_id,
        "person_id": punch.person_id,
        "site_id": punch.site_id,
        "begun_at": punch.occurred_at,
        "closed": is_closed_there(window, spell),
    }


def _steps(changed: Iterable[Sequence[Any]]) -> Iterable[_Step]:
    for punch_id, *columns in changed:
        for (person_id, site_id, begun_at, closed), sign in ((columns[:4], -1), (columns[4:], 1)):
            if person_id is not None:
                yield _Step(punch_id, person_id, site_id, begun_at, Count(sign, sign * int(closed)))


def _answered_otherwise(cursor: Cursor, window: Window, steps: Sequence[_Step]) -> list[Begun]:
    """Return the later check-ins whose people check out there by another answer, if that matters.

    It always does where either answer is no; that too few tell does while a spell may still be
    working. No spell counts to its own check-in.
    """
    own_steps = _Steps(steps, lambda step: (step.site_id, step.person_id))
    site_steps = _Steps(steps, lambda step: (step.site_id,))
    after = [begun for begun in _after(cursor, window, steps) if site_steps.of_others(begun)]
    if not after:
        return []

    def few(begun: Begun, own: Count) -> bool:
        before = own.minus(own_steps.before((begun.site_id, begun.person_id), begun))
        return min(own.spells, before.spells) < LEAST_OWN

    now = count_spells(cursor, window.tenant_id, after, few)
    otherwise = []
    for begun in after:
        counts = now[begun.punch_id]
        own = Count(*counts[:2]).minus(own_steps.before((begun.site_id, begun.person_id), begun))
        at_site = Count(*counts[2:]).minus(site_steps.before((begun.site_id,), begun))
        answers = {answer(SpellCounts(*own, *at_site)), answer(counts)}
        is_new = begun.begun_at >= window.as_of - _LONGEST_OPEN
        if len(answers) > 1 and (is_new or "no" in answers):
            otherwise.append(begun)
    return otherwise


def _after(cursor: Cursor, window: Window, steps: Sequence[_Step]) -> list[Begun]:
    """Return the check-ins to which what changed may count. Where all are closed, no answer is no:
    there only those that may still be working matter.
    """
    doubtful = _with_unclosed(cursor, window, steps)
    recent = window.as_of - _LONGEST_OPEN
    after = [
        (step, step.begun_at if step.site_id in doubtful else max(step.begun_at, recent))
        for step in steps
    ]
    times = [
        (step, since, step.begun_at + COUNTED_DAYS)
        for step, since in after
        if since <= step.begun_at + COUNTED_DAYS
    ]
    if not times:
        return []
    own = merge(((step.site_id, step.person_id), since, until) for step, since, until in times)
    own_rows = [
        {"site_id": key[0], "person_id": key[1], "since": since, "until": until}
        for key, since, until in own
    ]
    values = {
        "tenant_id": window.tenant_id,
        "own": document(own_rows),
        "sites": ranges.document(
            merge((step.site_id, since, until) for step, since, until in times)
        ),
        "days": COUNTED_DAYS,
        "few": LEAST_OWN,
    }
    return [Begun(*row) for row in cursor.execute(_AFTER, values).fetchall()]


def _with_unclosed(cursor: Cursor, window: Window, steps: Sequence[_Step]) -> set[Id]:
    """Return the sites of these where a spell that counts to any check-in after them was not closed
    there, or was not before.
    """
    sites = merge((step.site_id, step.begun_at, step.begun_at + COUNTED_DAYS) for step in steps)
    values = {
        "tenant_id": window.tenant_id,
        "sites": ranges.document(sites),
        "days": COUNTED_DAYS,
    }
    found = {site_id for (site_id,) in cursor.execute(_UNCLOSED, values).fetchall()}
    return found | {step.site_id for step in steps if not step.counts.closed}


def _judged_by(cursor: Cursor, window: Window, later: Sequence[Begun]) -> list[str]:
    """Return the punches that these check-ins' being work or not may matter to, themselves among
    them, but for those that are judged now.
    """
    if not later:
        return []
    people = merge((b.person_id, b.begun_at, b.begun_at + _WORKED) for b in later)
    values = {"tenant_id": window.tenant_id, "people": ranges.document(people)}
    found = cursor.execute(_JUDGED_BY, values).fetchall()
    return [punch_id for (punch_id,) in found if Subject(punch_id, "") not in window.subjects]


class _Steps:
    """What came to be counted in all, by key, with what of it began in the days before a check-in:
    without its own spell.
    """

    def __init__(self, steps: Iterable[_Step], key_of: Callable[[_Step], tuple[Id, ...]]) -> None:
        by_key: dict[tuple[Id, ...], list[_Step]] = {}
        self._of_punch: dict[tuple[tuple[Id, ...], str], list[_Step]] = {}
        for step in sorted(steps, key=lambda step: step.begun_at):
            by_key.setdefault(key_of(step), []).append(step)
            self._of_punch.setdefault((key_of(step), step.punch_id), []).append(step)
        self._times = {key: [step.begun_at for step in some] for key, some in by_key.items()}
        self._totals = {
            key: list(accumulate((step.counts for step in some), Count.plus, initial=Count()))
            for key, some in by_key.items()
        }

    def before(self, key: tuple[Id, ...], begun: Begun) -> Count:
        """Return what changed of the count of the days before a check-in."""
        first, last = self._places(key, begun.begun_at)
        if first == last:
            return Count()
        totals = self._totals[key]
        changed = totals[last].minus(totals[first])
        for step in self._itself(key, begun):
            changed = changed.minus(step.counts)
        return changed

    def of_others(self, begun: Begun) -> bool:
        """Whether any of its site changed in the days before a check-in, but its own."""
        key = (begun.site_id,)
        first, last = self._places(key, begun.begun_at)
        return last - first > len(self._itself(key, begun))

    def _places(self, key: tuple[Id, ...], at: datetime) -> tuple[int, int]:
        times = self._times.get(key, [])
        return bisect_left(times, at - COUNTED_DAYS), bisect_right(times, at)

    def _itself(self, key: tuple[Id, ...], begun: Begun) -> list[_Step]:
        since = begun.begun_at - COUNTED_DAYS
        own = self._of_punch.get((key, begun.punch_id), ())
        return [step for step in own if since <= step.begun_at <= begun.begun_at]
