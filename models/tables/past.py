"""The tables of the roster's past: what was said of its rows, and how they were.

A *statement* is what one roster said of one row. The *versions* of a row are worked out from its
statements at intake (models.intake.roster): the row was so from `since` on, until `until`, which
is excluded. `-infinity` and `infinity` stand for ever; psycopg cannot load these, so whoever reads
selects `nullif(since, '-infinity')`. There is no version for a time in which the row was not there,
and two that meet differ. A site's time zone, `roster_complete` and fields Rollcall does not know
have no past: the rows themselves have what was said of them last.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)

from models.tables.base import instant, json_object, metadata, submitter, tenant_key

statement = Table(
    "statement",
    metadata,
    tenant_key(),
    # tenant | site | person | device, and of shift | assignment | absence only what
    # removes them
    Column("kind", Text, primary_key=True),
    # '' for the tenant, the id as text, of an assignment person_id/site_id/valid_from_key
    Column("key", Text, primary_key=True),
    instant("said_at", primary_key=True, nullable=False),  # `sent_at`, else `received_at`
    Column("digest", LargeBinary, primary_key=True),  # of all that was said
    # From when it holds, if it says so. A date means its start at the site, for others in UTC; it
    # is kept as a date, as the site's zone may change.
    instant("effective_from"),
    Column("effective_date", Date),
    Column("correction", Boolean, nullable=False, server_default=text("false")),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    # The fields that it brings, null where they are cleared.
    json_object("content", server_default=text("'{}'::jsonb")),
    # Fields Rollcall does not know, kept as they came; null where there were none.
    json_object("extra", nullable=True),
    instant("received_at", nullable=False),
    instant("sent_at"),
    submitter("submitted_by"),
)


def _since() -> Column[datetime]:
    """Return the last column of a version's key."""
    return instant("since", primary_key=True, nullable=False)


tenant_version = Table(
    "tenant_version",
    metadata,
    tenant_key(),
    _since(),
    instant("until", nullable=False),
    Column("name", Text, nullable=False),
    json_object("policy"),
)

site_version = Table(
    "site_version",
    metadata,
    tenant_key(),
    Column("site_id", BigInteger, primary_key=True),
    _since(),
    instant("until", nullable=False),
    Column("name", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("radius_m", Double),
    json_object("boundary", nullable=True),
    json_object("policy"),
    # Each judgement reads all policies of the tenant's sites.
    Index("ix_site_version_policy", "tenant_id", postgresql_where=text("policy <> '{}'")),
)

person_version = Table(
    "person_version",
    metadata,
    tenant_key(),
    Column("person_id", BigInteger, primary_key=True),
    _since(),
    instant("until", nullable=False),
    Column("name", Text, nullable=False),
    Column("merged_into", BigInteger),
    Index(
        "ix_person_version_merged",
        "tenant_id",
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

device_version = Table(
    "device_version",
    metadata,
    tenant_key(),
    Column("device_id", Text, primary_key=True),
    _since(),
    instant("until", nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("person_id", BigInteger),
)
