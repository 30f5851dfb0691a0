"""Giving string ids their numbers: those that come in are stored, those asked for only looked up.

What is stored is committed at once, by statements of its own: no transaction waits for another
that stores the same string, and what the process knows was never rolled back.
"""

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import autocommitted
from models.ids import NOBODY, NUMBERS_END, Id, StringId, number_of
from models.string_ids.directory import COLUMNS, DIRECTORY, INSTALLATION, Stored

Key = tuple[int, str]  # the number of the tenant, and the text


def find_sql(tenants: str, texts: str) -> str:
    """Return the statement that looks keys up, whose two parameters are spelled so."""
    # OFFSET 0, so that each is looked up by the key: a join may read everybody's.
    return f"""
SELECT {COLUMNS}
FROM unnest(CAST({tenants} AS bigint[]), CAST({texts} AS text[])) AS wanted(tenant_id, text)
CROSS JOIN LATERAL (
    SELECT * FROM string_id
    WHERE string_id.tenant_id = wanted.tenant_id AND string_id.text = wanted.text OFFSET 0
) AS string_id
"""


_FIND = find_sql("%(tenants)s", "%(texts)s")
# In the order of the keys, so that transactions that store the same strings cannot deadlock.
_STORE = """
INSERT INTO string_id (tenant_id, text, number)
SELECT tenant_id, text, number
FROM unnest(%(tenants)s::bigint[], %(texts)s::text[], %(numbers)s::bigint[])
    AS new(tenant_id, text, number)
ORDER BY tenant_id, text COLLATE "C"
ON CONFLICT (tenant_id, text) DO NOTHING
"""


class Numbered:
    """Ids with their numbers, by the tenant whose ids they are."""

    def __init__(self) -> None:
        self._known: dict[Key, StringId] = {}

    def tenant(self, tenant_id: Id) -> Id:
        if not isinstance(tenant_id, str):
            return tenant_id
        known = self._known.get((INSTALLATION, str(tenant_id)))
        return known or StringId(str(tenant_id), NOBODY)

    def id(self, tenant_id: Id, id_: Id) -> Id:
        """Return the id with its number; NOBODY is that of one nobody has stored."""
        if not isinstance(id_, str):
            return id_
        tenant = number_of(self.tenant(tenant_id) if tenant_id else INSTALLATION)
        return self._known.get((tenant, str(id_))) or StringId(str(id_), NOBODY)

    def add(self, found: Iterable[tuple[Key, StringId]]) -> None:
        self._known.update(found)


def store(
    engine: Engine, tenants: Iterable[Id], ids: Iterable[tuple[Id, Id | None]] = ()
) -> Numbered:
    """Store the strings among these tenants and ids, each of which comes after its tenant.

    It commits. Where all are integers, or known to this process, it takes no statement; else a few.
    """
    numbered = Numbered()
    _add(engine, numbered, _of_tenants(tenants), storing=True)
    _add(engine, numbered, _of_ids(numbered, ids), storing=True)
    return numbered


def find(
    engine: Engine, tenants: Iterable[Id], ids: Iterable[tuple[Id, Id | None]] = ()
) -> Numbered:
    """Look the strings up, and store none of them."""
    numbered = Numbered()
    _add(engine, numbered, _of_tenants(tenants), storing=False)
    _add(engine, numbered, _of_ids(numbered, ids), storing=False)
    return numbered


def find_tenant(engine: Engine, tenant_id: Id) -> Id:
    """Return the id with its number, where it has none yet."""
    if not isinstance(tenant_id, StringId) or tenant_id.number not in (None, NOBODY):
        return tenant_id
    return find(engine, [tenant_id]).tenant(tenant_id)


def ids_of(cursor: Cursor, tenant_id: Id, values: Iterable[object]) -> dict[str, StringId]:
    """Return the ids of the tenant that are among these values of JSON, by their text.

    They were stored before. It takes one statement where this process does not know all of them.
    """
    tenant = number_of(tenant_id)
    keys = {(tenant, str(value)) for value in values if isinstance(value, str)}
    found, missing = known(keys)
    if missing:
        learnt = cursor.execute(_FIND, parameters(missing)).fetchall()
        found |= learn(learnt)
    return {text: id_ for (_, text), id_ in found.items()}


def known(keys: Collection[Key]) -> tuple[dict[Key, StringId], list[Key]]:
    """Return what this process knows of these keys, and those that it does not know."""
    found = {key: id_ for key in keys if (id_ := DIRECTORY.by_text(*key)) is not None}
    return found, sorted(key for key in keys if key not in found)


def learn(rows: Iterable[Any]) -> dict[Key, StringId]:
    """Know rows of COLUMNS from now on, and return them by their key."""
    stored = [Stored.read(row) for row in rows]
    DIRECTORY.learn(stored)
    return {(tenant, text): StringId(text, number) for tenant, number, text in stored}


def parameters(keys: Collection[Key]) -> dict[str, Any]:
    return {"tenants": [tenant for tenant, _ in keys], "texts": [text for _, text in keys]}


def _of_tenants(tenants: Iterable[Id]) -> set[Key]:
    return {(INSTALLATION, str(id_)) for id_ in tenants if isinstance(id_, str)}


def _of_ids(numbered: Numbered, ids: Iterable[tuple[Id, Id | None]]) -> set[Key]:
    return {
        (number_of(numbered.tenant(tenant_id)), str(id_))
        for tenant_id, id_ in ids
        if isinstance(id_, str)
    }


def _add(engine: Engine, numbered: Numbered, keys: set[Key], *, storing: bool) -> None:
    if not keys:
        return
    # With a new connection this process forgets what it knew: so it is asked what it knows once it
    # has one.
    with autocommitted(engine) as cursor:
        found, missing = known(keys)
        if missing:
            found |= learn(cursor.execute(_FIND, parameters(missing)).fetchall())
        new = [key for key in missing if key not in found]
        if storing and new:
            numbers = [_new_number() for _ in new]
            cursor.execute(_STORE, parameters(new) | {"numbers": numbers})
            found |= learn(cursor.execute(_FIND, parameters(new)).fetchall())
    numbered.add(found.items())


def _new_number() -> int:
    """Return a number at random: no other id ever gets it, also where a backup was restored whose
    database knows nothing of ids that were stored after it.
    """
    return NOBODY + 1 + secrets.randbelow(NUMBERS_END - NOBODY - 1)
