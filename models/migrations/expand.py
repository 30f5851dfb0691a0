"""What a revision may do to tables that are in use without holding any reader or writer up.

The release before runs on the new schema while processes are replaced, so a revision only adds;
what nothing reads any more goes in a later release. tests/models/migrations checks that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

from models.migrations.patience import LOCK_TIMEOUT, limit_locks

_STATE = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column that is nullable or has a constant default, as old rows and code lack it.

    Raises ValueError for another one.
    """
    if not column.nullable and column.server_default is None:
        raise ValueError(
            f"{table}.{column.name} must be nullable or have a server_default:"
            " old code leaves it out"
        )
    op.add_column(table, column)


def build_index(
    name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None
) -> None:
    """Build an index while the table is written to, and again where a build was cut off.

    It commits, so nothing else belongs into its revision.
    """
    with _autocommitted():
        state = op.get_bind().execute(_STATE, {"name": name}).scalar_one_or_none()
        if state:
            return
        print(
            f"rollcall: building {name} on {table},"
            " once the transactions that are open now have ended",
            flush=True,
        )
        if state is False:
            _drop(name, table)
        condition = sa.text(where) if where else None
        op.create_index(
            name,
            table,
            columns,
            unique=unique,
            postgresql_where=condition,
            postgresql_concurrently=True,
        )


def drop_index(name: str, table: str) -> None:
    """Drop an index that `build_index` has built. It commits as well."""
    with _autocommitted():
        _drop(name, table)


def in_batches(statement: str, *, of_each_tenant: bool = False) -> None:
    """Run a statement, each time in a transaction of its own, until it changes no more rows.

    The statement limits itself to some thousand rows, and finds only those that are left to change.
    With `of_each_tenant` it is run so for each `:tenant_id`, and looks for those of one tenant
    only. It commits, so nothing else belongs into its revision.
    """
    with _autocommitted():
        parameters: Sequence[dict[str, Any]] = [{}]
        if of_each_tenant:
            tenants = op.get_bind().execute(sa.text("SELECT tenant_id FROM tenant ORDER BY 1"))
            parameters = [{"tenant_id": tenant_id} for (tenant_id,) in tenants.fetchall()]
        for values in parameters:
            while op.get_bind().execute(sa.text(statement), values).rowcount:
                pass


def _drop(name: str, table: str) -> None:
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def _autocommitted() -> Iterator[None]:
    """Let each statement of the block commit, and wait for locks as long as there is patience.

    They wait for others' transactions, and nobody waits for them.
    """
    context = op.get_context()
    assert context.config is not None
    patience = context.config.attributes["patience"]
    with context.autocommit_block():
        limit_locks(op.get_bind(), patience)
        try:
            yield
        finally:
            limit_locks(op.get_bind(), LOCK_TIMEOUT)
