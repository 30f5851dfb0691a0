"""Load a window in two steps: find the subjects, then read what they are judged by."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Cursor

from worker.load.context import load_context
from worker.load.reading import begin
from worker.load.subjects import find_subjects
from worker.load.tenant import read_tenant
from worker.load.touched import Touched
from worker.rules.finding import Subject
from worker.rules.window import Window


def load(
    cursor: Cursor,
    tenant_id: int,
    touched: Touched,
    as_of: datetime,
    choose: Callable[[frozenset[Subject]], frozenset[Subject]] = lambda subjects: subjects,
) -> Window:
    """Return the window of every subject whose outcome `touched` may have changed, as of a moment:
    of those that `choose` returns.

    Raises LookupError where the tenant is unknown.
    """
    reading = begin(cursor, read_tenant(cursor, tenant_id, by_index=True))
    return load_context(reading, choose(find_subjects(reading, touched, as_of)), as_of)


def load_subjects(
    cursor: Cursor,
    tenant_id: int,
    subjects: frozenset[Subject],
    as_of: datetime,
    *,
    policies: Mapping[str, Any] | None = None,
    explaining: bool = False,
) -> Window:
    """Return the window of just these subjects. `policies` are as in `read_tenant`.

    Raises LookupError where the tenant is unknown.
    """
    tenant = read_tenant(cursor, tenant_id, policies, by_index=True)
    return load_context(begin(cursor, tenant), subjects, as_of, explaining=explaining)
