"""Turns: a tenant of which more waits is judged again when the other tenants have had theirs.

A turn is a task of the queue of upkeep, noted in the table `turn`: so there is one a tenant,
however many processes have stored something of it. Where the task is lost, or dies, its note grows
old, and the next sweep asks again.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import Engine

from models.database import autocommitted
from models.ids import Id


class Turn(NamedTuple):
    """A tenant's turn, and the id of the task that it is."""

    tenant_id: Id
    task_id: str

    @property
    def is_second(self) -> bool:
        """Whether it is asked for because the one before found the tenant taken."""
        return self.task_id.endswith(_SECOND)


_SECOND = ":second"

# A turn that is asked for waits for those of other tenants. One that began is done within a second,
# or its judgement holds the tenant's lock.
_IS_OLD = """
    turn.asked_at < statement_timestamp()
        - CASE WHEN turn.began THEN interval '2 seconds' ELSE interval '5 seconds' END
"""
FRESH = f"SELECT tenant_id FROM turn WHERE NOT ({_IS_OLD})"
# Whether the tenant has a turn that is still to begin.
ASKED_FOR = f"EXISTS (SELECT FROM turn WHERE tenant_id = %s AND NOT began AND NOT ({_IS_OLD}))"
# The task of one that is old may still come. It is sent once more, and whichever is first begins.
_ASK = f"""
INSERT INTO turn (tenant_id, task_id, asked_at, of_sweep)
SELECT tenant_id, task_id, statement_timestamp(), %(of_sweep)s
FROM unnest(%(tenants)s::bigint[], %(task_ids)s::text[]) AS wanted(tenant_id, task_id)
ORDER BY tenant_id
ON CONFLICT (tenant_id) DO UPDATE SET
    task_id = CASE WHEN turn.began THEN excluded.task_id ELSE turn.task_id END,
    asked_at = CASE WHEN turn.began OR {_IS_OLD} THEN excluded.asked_at ELSE turn.asked_at END,
    began = false,
    of_sweep = turn.of_sweep OR excluded.of_sweep
RETURNING tenant_id, task_id, asked_at = statement_timestamp()
"""
_BEGIN = """
UPDATE turn SET began = true, asked_at = statement_timestamp(), of_sweep = false
FROM turn AS before
WHERE turn.tenant_id = %(tenant_id)s AND turn.task_id = %(task_id)s AND NOT turn.began
    AND before.tenant_id = turn.tenant_id
RETURNING before.of_sweep
"""
_END = "DELETE FROM turn WHERE tenant_id = %s AND task_id = %s AND began"
_TAKE_BACK = "DELETE FROM turn WHERE task_id = ANY(%s) AND tenant_id = ANY(%s) AND NOT began"


def ask(
    engine: Engine, tenants: Iterable[Id], *, of_sweep: bool = False, second: bool = False
) -> list[Turn]:
    """Note that the tenants are to have a turn, and return those whose task is to be sent.

    A turn `of_sweep` judges first what a judge that died may have left. `second` is as in `Turn`.
    """
    wanted = sorted(tenants)
    values: dict[str, Any] = {
        "tenants": wanted,
        "task_ids": [f"{uuid4()}{_SECOND if second else ''}" for _ in wanted],
        "of_sweep": of_sweep,
    }
    with autocommitted(engine) as cursor:
        rows = cursor.execute(_ASK, values).fetchall()
    return [Turn(tenant_id, task_id) for tenant_id, task_id, is_new in rows if is_new]


def take_back(engine: Engine, unsent: Collection[Turn]) -> None:
    """Note that turns are not asked for any more, as their tasks could not be sent."""
    with autocommitted(engine) as cursor:
        cursor.execute(
            _TAKE_BACK,
            ([turn.task_id for turn in unsent], [turn.tenant_id for turn in unsent]),
        )


def begin(engine: Engine, turn: Turn) -> bool | None:
    """Note that a turn begins, and return whether a sweep has asked for it.

    Return None where the task is not the tenant's turn, or not any more.
    """
    with autocommitted(engine) as cursor:
        row = cursor.execute(_BEGIN, turn._asdict()).fetchone()
    return None if row is None else bool(row[0])


def end(engine: Engine, turn: Turn) -> None:
    """Note that a turn has ended, unless another is asked for already."""
    with autocommitted(engine) as cursor:
        cursor.execute(_END, turn)
