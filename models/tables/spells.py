"""The table of spells: where each began, and whether it was closed there in time."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from models.tables.base import instant, metadata, tenant_key

# One row for each check-in that begins a spell, as it was judged last: the judge writes it with
# what it found. Who checks out at a site is counted by these.
spell = Table(
    "spell",
    metadata,
    tenant_key(),
    Column("punch_id", Text, primary_key=True),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    instant("begun_at", nullable=False),
    # By a check-out at that site, within `max_work_hours` as the site had it then.
    Column("closed", Boolean, nullable=False),
    # Counts read nothing but these.
    Index(
        "ix_spell_person_begun",
        "tenant_id",
        "site_id",
        "person_id",
        "begun_at",
        postgresql_include=["closed"],
    ),
    Index("ix_spell_site_begun", "tenant_id", "site_id", "begun_at", postgresql_include=["closed"]),
)
