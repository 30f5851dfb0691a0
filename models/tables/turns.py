"""The tables of turns at judging, and of how fast backfills are judged."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text, text

from models.tables.base import instant, metadata, tenant_key

# The turn of a tenant of which more waits to be judged: the task that was enqueued for it, when
# that was, or when the turn began. Whoever has stored something while a turn is asked for leaves it
# to the turn. A row that is old is of a task that its broker lost, or of a worker that died.
turn = Table(
    "turn",
    metadata,
    tenant_key(),
    Column("task_id", Text, nullable=False),
    instant("asked_at", nullable=False),
    Column("began", Boolean, nullable=False, server_default=text("false")),
    # Whether a sweep asked for it: it begins with what a judge that died has left.
    Column("of_sweep", Boolean, nullable=False, server_default=text("false")),
)

# How many rows of a tenant's backfill were judged in each ten seconds of the last minutes.
backfill_pace = Table(
    "backfill_pace",
    metadata,
    tenant_key(),
    instant("since", primary_key=True, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
