"""The table of what is due: when each chore of a tenant is done next."""

from sqlalchemy import Column, Index, Table, Text

from models.tables.base import instant, metadata, tenant_key

# A table of its own, as the index on the moment would make each change of the tenant's row, whose
# head moves with each message, write to every index. models.due names the chores.
due = Table(
    "due",
    metadata,
    tenant_key(),
    Column("chore", Text, primary_key=True),
    instant("at", nullable=False),
    Index("ix_due_at", "chore", "at"),
)
