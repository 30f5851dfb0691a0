"""A statement that is taken without a look at the others makes no difference, in any order."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.intake.refused.reasons import Refused
from models.intake.roster.kinds import SITE
from models.intake.roster.laying import lay, superfluous
from models.intake.roster.past_rows import repeats, row_by_now, with_extra, written
from models.intake.roster.past_tables import Stored, Written
from models.intake.roster.statement import Statement
from tests.models.intake.roster.told import day, say

NOW = day(31)
DAYS = st.integers(1, 6)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Office", "Depot"]),
        "timezone": st.sampled_from(["UTC", "Europe/Oslo"]),
        "radius_m": st.sampled_from([None, 50, 70]),
        "policy": st.sampled_from([None, {"grace_minutes": 1}, {"grace_minutes": None}]),
        "note": st.sampled_from([None, 1]),
        "deleted": st.sampled_from([False, False, True]),
        "correction": st.sampled_from([False, False, True]),
        "effective_from": st.sampled_from([None, None, "2026-03-03", "2026-03-05T00:00:00Z"]),
    },
)
WHOLE = {"name": "Office", "timezone": "UTC", "radius_m": 50}
Told = tuple[int, dict[str, Any]]


class Row:
    """A row as intake keeps it, in memory."""

    def __init__(self) -> None:
        self.stored = Stored()
        self.told: list[Statement] = []
        self.taken_blindly = 0

    def take(self, statement: Statement) -> None:
        if repeats(SITE, self.stored, statement):
            self.taken_blindly += 1
            new = None
        elif with_unknown := with_extra(SITE, self.stored, statement, NOW):
            self.taken_blindly += 1
            new = Written((15,), statement, with_unknown)
        else:
            try:
                new = written(SITE, (15,), self.stored, self.told, statement, NOW, NOW)
            except Refused:
                return
        if statement not in self.told:
            self.told.append(statement)
        if new is not None:
            row = self.stored.row if new.row is None else new.row
            versions = self.stored.versions if new.versions is None else new.versions
            self.stored = Stored(row, versions)
        by_moment = sorted(one[:2] for one in self.told)
        self.stored = self.stored._replace(first=by_moment[0][0], last=by_moment[-1])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(DAYS, FIELDS), max_size=7))
@example([(2, WHOLE), (4, WHOLE), (3, {"name": "Depot"})])
@example([(2, WHOLE), (3, {"name": "Depot"}), (1, WHOLE)])
@example([(2, WHOLE), (6, {"deleted": True}), (5, {"deleted": True}), (4, {"radius_m": 50})])
def test_what_is_kept_is_what_all_of_it_makes(told: Sequence[Told]) -> None:
    row = Row()
    for said_on, fields in [(2, WHOLE), *told]:
        row.take(say(SITE, said_on, **fields))
    laid = lay(SITE, row.told)
    assert list(row.stored.versions) == laid.versions
    # The stored row needs no change; and one that there was once is kept as removed.
    assert row.stored.row
    before = row.stored.row
    assert row_by_now(SITE, (15,), before, laid.versions, laid.throughout, NOW, NOW) is None


def test_a_roster_that_repeats_itself_is_taken_without_a_look() -> None:
    row = Row()
    for said_on in (2, 4, 3, 6):
        row.take(say(SITE, said_on, **WHOLE))
    assert row.taken_blindly == 3


@pytest.mark.parametrize("fields", [{"correction": True}, {"effective_from": "2026-03-01"}])
def test_so_is_one_that_names_from_when_it_holds(fields: dict[str, Any]) -> None:
    row = Row()
    for said_on in (2, 4, 6):
        row.take(say(SITE, said_on, **WHOLE, **fields))
    assert row.taken_blindly == 2
    row.take(say(SITE, 7, name="Depot", effective_from="2026-03-08"))
    row.take(say(SITE, 8, **WHOLE, **fields))
    assert row.taken_blindly == 2


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(DAYS, FIELDS), max_size=7), DAYS)
@example([(2, WHOLE), (3, {"name": "Depot"}), (4, {"name": "Depot"}), (5, WHOLE)], 6)
def test_what_is_superfluous_is_not_missed(told: Sequence[Told], before: int) -> None:
    each = [say(SITE, said_on, **fields) for said_on, fields in told]
    said = list({statement[:2]: statement for statement in each}.values())
    gone = superfluous(SITE, said, day(before))
    rest = [statement for statement in said if statement not in gone]
    assert lay(SITE, rest) == lay(SITE, said)
