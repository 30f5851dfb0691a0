"""When what has to happen again and again last did, in the whole installation."""

from sqlalchemy import Column, Table, Text

from models.tables.base import instant, metadata

# The one key that does not start with tenant_id: these rows are the installation's, a handful
# of them, written over and never added to. models.pulse has their names.
pulse = Table(
    "pulse",
    metadata,
    Column("name", Text, primary_key=True),
    instant("at", nullable=False),
)
