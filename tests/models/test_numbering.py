"""Giving string ids their numbers: what comes in is stored, what is asked for only looked up."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from models.database import make_engine, transaction
from models.ids import Id, StringId, is_nobody
from models.numbering import find, find_tenant, ids_of, store
from models.string_ids.directory import DIRECTORY
from tests.models.intake.statements import counted
from tests.models.intake.stored import rows


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=4)
    yield engine
    engine.dispose()


def strings(*texts: str) -> list[StringId]:
    return [StringId(text) for text in texts]


def test_ids_of_one_text_are_those_of_their_tenants(engine: Engine) -> None:
    acme, globex = strings("acme", "globex")
    owners: list[Id] = [acme, globex, 1, 2]
    numbered = store(engine, owners, ((owner, StringId("15")) for owner in owners))
    ids = [numbered.id(owner, StringId("15")) for owner in owners]
    assert ids == ["15"] * 4
    assert len({one.number for one in ids if isinstance(one, StringId)}) == 4
    assert numbered.id(1, 15) == 15
    DIRECTORY.forget()
    again = store(engine, owners, ((owner, StringId("15")) for owner in owners))
    assert [again.id(owner, StringId("15")).number for owner in owners] == [  # type: ignore[union-attr]
        one.number for one in ids if isinstance(one, StringId)
    ]
    assert len(rows(engine, "SELECT text FROM string_id")) == 6


def test_what_is_asked_for_is_not_stored(engine: Engine) -> None:
    acme = StringId("acme")
    assert is_nobody(find_tenant(engine, acme))
    found = find(engine, [acme, 1], [(acme, StringId("p")), (1, StringId("p")), (1, 7), (1, None)])
    assert is_nobody(found.id(acme, StringId("p")))
    assert is_nobody(found.id(1, StringId("p")))
    assert rows(engine, "SELECT text FROM string_id") == []


def test_many_cost_as_many_statements_as_one_and_known_ones_none(engine: Engine) -> None:
    spent = []
    find_tenant(engine, StringId("asked"))  # the engine asks a few things of a new connection
    for size in (1, 50, 2_000):
        tenant_id = StringId(f"tenant {size}")
        ids = [(tenant_id, StringId(f"p{number}")) for number in range(size)]
        with counted() as statements:
            store(engine, [tenant_id], ids)
        spent.append(len(statements))
        with counted() as again:
            store(engine, [tenant_id], ids)
            store(engine, [1], [(1, 7)])
        assert not again
    assert len(set(spent)) == 1
    assert spent[0] <= 6


def test_those_who_store_the_same_at_once_get_the_same_numbers(engine: Engine) -> None:
    texts = [f"p{number}" for number in range(300)]
    given: list[list[Id]] = []

    def give(some: list[str]) -> None:
        numbered = store(engine, [], ((1, StringId(text)) for text in some))
        given.append([numbered.id(1, StringId(text)) for text in texts])

    orders = [texts, texts[::-1], texts[150:] + texts[:150]]
    threads = [threading.Thread(target=give, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [[one.number for one in ids if isinstance(one, StringId)] for ids in given]
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers[0])) == 300


def test_texts_in_json_become_ids_again_by_one_statement(engine: Engine) -> None:
    store(engine, [], ((1, StringId(text)) for text in ("a", "b")))
    DIRECTORY.forget()
    with counted() as statements, transaction(engine) as cursor:
        ids = ids_of(cursor, 1, ["a", 7, None, "b", "a"])
        assert ids_of(cursor, 1, [7, None]) == {}
    assert (sorted(ids), len(statements)) == (["a", "b"], 1)
    assert all(one.number for one in ids.values())
