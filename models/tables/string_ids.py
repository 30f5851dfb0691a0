"""The table of string ids, by which all other tables have a number in their place."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from models.tables.base import metadata, tenant_key

# Of a tenant's own id tenant_id is 0, of an id of a tenant that has a string for its own it is that
# one's number. The number is a random one between NOBODY and NUMBERS_END of models.ids. Rows are
# only added: neither a number nor its text ever changes or goes.
string_id = Table(
    "string_id",
    metadata,
    tenant_key(),
    Column("text", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Index("uq_string_id_number", "number", unique=True),
)
