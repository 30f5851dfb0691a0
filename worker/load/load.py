"""Load a window in two steps: find the subjects, then read what they are judged by."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Cursor

from models.ids import Id
from worker.load.context import load_context
from worker.load.reading import begin
from worker.load.spell_counts import with_spell_counts
from worker.load.subjects import find_subjects
from worker.load.tenant import read_tenant
from worker.load.touched import Touched
from worker.rules.finding import Subject
from worker.rules.window import Window


def load(
    cursor: Cursor,
    tenant_id: Id,
    touched: Touched,
    as_of: datetime,
    choose: Callable[[frozenset[Subject]], frozenset[Subject]] = lambda subjects: subjects,
    keep: Callable[[Window], None] = lambda _window: None,
) -> Window:
    """Return the window of every subject whose outcome `touched` may have changed, as of a moment:
    of those that `choose` returns.

    `keep` writes what the window says of spells before spells are counted. Raises LookupError where
    the tenant is unknown.
    """
    reading = begin(cursor, read_tenant(cursor, tenant_id, by_index=True))
    window = load_context(reading, choose(find_subjects(reading, touched, as_of)), as_of)
    keep(window)
    return with_spell_counts(reading.cursor, window)


def load_subjects(
    cursor: Cursor,
    tenant_id: Id,
    subjects: frozenset[Subject],
    as_of: datetime,
    *,
    policies: Mapping[str, Any] | None = None,
    explaining: bool = False,
) -> Window:
    """Return the window of just these subjects. `policies` are as in `read_tenant`; spells are
    counted as they were judged last.

    Raises LookupError where the tenant is unknown.
    """
    tenant = read_tenant(cursor, tenant_id, policies, by_index=True)
    reading = begin(cursor, tenant)
    window = load_context(reading, subjects, as_of, explaining=explaining)
    return with_spell_counts(reading.cursor, window)
