"""The table of pulses: when what has to happen again and again last did, in the installation."""

from sqlalchemy import Column, Table, Text

from models.tables.base import instant, metadata

# Its key does not start with tenant_id, as these rows are the installation's. They are a handful,
# which models.pulse names, and are written over again and again.
pulse = Table(
    "pulse",
    metadata,
    Column("name", Text, primary_key=True),
    instant("at", nullable=False),
)
