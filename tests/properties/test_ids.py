"""Renamed to strings of the same order, a company has the same anomalies, word for word."""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine

from models.database import transaction
from models.ids import StringId
from models.numbering import store
from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, Day, Delivery, delivered_days
from tests.properties.test_quiet import delivered_quiet_days

_IDS = {"person_id", "site_id", "matched_person_id", "substitutes", "merged_into"}
_IN_SENTENCE = re.compile(r"\b(person|site|Person|Site) 0*(\d+)\b")


@pytest.fixture(scope="module")
def new_renamed(engine: Engine) -> Callable[[], Company]:
    """Make tenants whose own ids are the digits of integers, which are other tenants here."""
    tenants = count(1)

    def make() -> Company:
        text = StringId(str(next(tenants)))
        return Company(engine, store(engine, [text]).tenant(text))

    return make


@settings(DAYS, max_examples=max(DAYS.max_examples // 2, 1))
@given(delivered=delivered_days() | delivered_quiet_days())
def test_a_company_renamed_to_strings_has_the_same_anomalies(
    delivered: tuple[Day, Delivery],
    clock: Clock,
    engine: Engine,
    new_company: Callable[[], Company],
    new_renamed: Callable[[], Company],
) -> None:
    day, delivery = delivered
    clock.moment = END
    of_integers, of_strings = new_company(), new_renamed()
    of_integers.submit_at_once(day)
    of_integers.judge()
    for batch, judged in zip(delivery.batches, delivery.judged, strict=True):
        renamed = [one._replace(content=_renamed(one.content)) for one in batch]
        of_strings.submit(renamed, END)
        if judged:
            of_strings.judge()
    of_strings.judge()
    assert of_strings.waiting() == 0
    integers = _integers(engine)
    assert _plain(of_strings.standing(), integers) == _plain(of_integers.standing(), integers)
    assert of_strings.standing() == of_strings.everything(END)
    of_strings.check_feed()


def _renamed(value: Any) -> Any:
    """Return the content with four digits in place of each id: as wide as any, in their order."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _id(item) if name in _IDS else _renamed(item) for name, item in value.items()}


def _id(value: Any) -> Any:
    if isinstance(value, list):
        return [_id(item) for item in value]
    return value if value is None else f"{value:04}"


def _integers(engine: Engine) -> dict[str, str]:
    """Return the integers that were renamed, as text, by the numbers of their strings."""
    with transaction(engine) as cursor:
        rows = cursor.execute("SELECT number::text, text FROM string_id").fetchall()
    return {number: str(int(text)) for number, text in rows}


def _plain(value: Any, integers: dict[str, str]) -> Any:
    """Return what stands with integers in place of the strings that they were renamed to."""
    if isinstance(value, dict):
        plain = {name: _plain(item, integers) for name, item in value.items()}
        if others := plain.get("other_sites"):
            ids = sorted(int(integers.get(one, one)) for one in str(others).split(","))
            plain["other_sites"] = ids
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item, integers) for item in value]
    if isinstance(value, str):
        return int(value) if value.isdigit() else _IN_SENTENCE.sub(r"\1 \2", value)
    return value
