"""Round trips are constant: a batch of one costs as many SQL statements as a batch of thousands."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from models.intake import submit, sync_roster
from tests.models.intake.statements import counted
from tests.models.intake.stored import Content, a_punch

SIZES = (1, 7, 1_000)


def sound(size: int) -> list[Content]:
    return [a_punch(punch_id=f"s-{size}-{number}") for number in range(size)]


def mixed(size: int) -> list[Content]:
    """Return punches that were stored before and are corrected, are new, or are refused."""
    kinds: dict[str, Content] = {
        "old": {"person_id": 8},
        "new": {},
        "homeless": {"site_id": 99},
        "bad": {"kind": "lunch"},
    }
    return [
        a_punch(punch_id=f"{kind}-{size}-{number}", **fields)
        for number in range(size)
        for kind, fields in kinds.items()
    ]


@pytest.mark.parametrize(("make", "most"), [(sound, 1), (mixed, 10)])
def test_a_large_batch_costs_as_many_statements_as_a_small_one(
    engine: Engine, make: Callable[[int], list[Content]], most: int
) -> None:
    spent = []
    for size in SIZES:
        submit(engine, [a_punch(punch_id=f"old-{size}-{number}") for number in range(size)])
        batch = make(size)
        with counted() as statements:
            submit(engine, batch)
        spent.append(len(statements))
    assert len(set(spent)) == 1
    assert spent[0] <= most


def test_a_redelivered_batch_costs_two(engine: Engine) -> None:
    batch = sound(100)
    submit(engine, batch)
    with counted() as statements:
        submit(engine, batch)
    assert len(statements) == 2


def test_a_large_roster_costs_as_many_statements_as_a_small_one(engine: Engine) -> None:
    spent = []
    for size in SIZES:
        people = [{"person_id": number, "name": f"{size}"} for number in range(1, size + 1)]
        sites = [
            {"site_id": number, "name": f"{size}", "timezone": "UTC"}
            for number in range(1, size + 1)
        ]
        with counted() as statements:
            sync_roster(
                engine,
                {
                    "tenant": {"tenant_id": 1},
                    "people": [*people, {"person_id": 1.5}],
                    "sites": sites,
                },
            )
        spent.append(len(statements))
    assert len(set(spent)) == 1
