"""The tables of the roster as it is by now, and of every policy there was.

Ids are the callers' own, within their tenant. `sent_at` is the sender's clock of the last write
that won. A row that is removed stays as `deleted`, so that an older roster cannot bring it back.
References may point at rows that have not come yet. How rows of tenants, sites, people and devices
were before, and will be, is in models.tables.past.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZMULTIRANGE

from models.tables.base import instant, json_object, metadata, submitter, tenant_key


def _sync_columns() -> list[Column[Any]]:
    return [
        instant("sent_at"),
        Column("deleted", Boolean, nullable=False, server_default=text("false")),
        # Fields Rollcall does not know, kept as they came; null where there were none.
        json_object("extra", nullable=True),
        submitter("submitted_by"),  # of the last write that won
    ]


def _spans(name: str) -> Column[Any]:
    """Return a column of times; one without a beginning or an end is unbounded."""
    return Column(name, TSTZMULTIRANGE, nullable=False, server_default=text("'{}'::tstzmultirange"))


tenant = Table(
    "tenant",
    metadata,
    tenant_key(),
    Column("name", Text, nullable=False),
    Column("roster_complete", Boolean, nullable=False, server_default=text("true")),
    json_object("policy", server_default=text("'{}'::jsonb")),
    Column("policy_version", Integer, nullable=False, server_default=text("1")),
    # The feed: `epoch` names this history of it, `head` is its last position, and `floor` the last
    # one that was pruned.
    Column("epoch", Text, nullable=False),
    Column("head", BigInteger, nullable=False, server_default=text("0")),
    Column("floor", BigInteger, nullable=False, server_default=text("0")),
    # The mark of the message at the floor, after its position and a dash.
    Column("floor_mark", Text),
    # The moment up to which the sweeps have judged what the passing of time changes.
    instant("swept_at", nullable=False, server_default=text("clock_timestamp()")),
    _spans("people_spans"),  # when any person was in the roster
    # When any assignment was valid: of the release before, which still writes and reads it.
    _spans("assignment_spans"),
    _spans("assigned_spans"),  # when any assignment was in the roster: since ever, until removed
    *_sync_columns(),
)

site = Table(
    "site",
    metadata,
    tenant_key(),
    Column("site_id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("radius_m", Double),
    json_object("boundary", nullable=True),
    json_object("policy", server_default=text("'{}'::jsonb")),
    *_sync_columns(),
    Index("ix_site_policy", "tenant_id", postgresql_where=text("policy <> '{}'")),
)

person = Table(
    "person",
    metadata,
    tenant_key(),
    Column("person_id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("merged_into", BigInteger),
    *_sync_columns(),
)

# From when to when a person counts as another, to the end of each chain: worked out from what is
# said of people (models.intake.roster.merges). Nothing of it counts before the other has come.
person_merge = Table(
    "person_merge",
    metadata,
    tenant_key(),
    Column("person_id", BigInteger, primary_key=True),
    instant("since", primary_key=True, nullable=False),
    instant("until", nullable=False),
    Column("into_id", BigInteger, nullable=False),
)

device = Table(
    "device",
    metadata,
    tenant_key(),
    Column("device_id", Text, primary_key=True),
    Column("shared", Boolean, nullable=False),
    Column("person_id", BigInteger),
    *_sync_columns(),
)

# `valid_from_key` is valid_from as it was given, normalised ('' where it was open), and part of the
# key by the contract. A date means whole days at the site, whose zone may change. So it is kept as
# a date, and read as moments. It is valid until the earlier of its end and `ended_at`, both
# included. One that is `deleted` has its removal standing, and so is over; `never_was` says that
# its removal was a correction or came before it.
assignment = Table(
    "assignment",
    metadata,
    tenant_key(),
    Column("person_id", BigInteger, primary_key=True),
    Column("site_id", BigInteger, primary_key=True),
    Column("valid_from_key", Text, primary_key=True),
    instant("valid_from"),
    Column("valid_from_date", Date),
    instant("valid_to"),
    Column("valid_to_date", Date),
    Column("roving", Boolean, nullable=False, server_default=text("false")),
    instant("said_at"),  # as of a shift
    json_object("fields_said_at", nullable=True),  # as of a shift
    instant("ended_at"),  # when its removal was said; null where none stands
    Column("never_was", Boolean, nullable=False, server_default=text("false")),
    *_sync_columns(),
)

# `standing` says whether the shift counts: its content has come, it is not cancelled, it was not
# removed before it started nor as a correction, and if its person has left, it has substitutes, to
# whom alone it then belongs. Whoever looks for shifts reads `standing` and not what it rests on.
shift = Table(
    "shift",
    metadata,
    tenant_key(),
    Column("shift_id", Text, primary_key=True),
    Column("person_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    instant("starts_at", nullable=False),
    instant("ends_at", nullable=False),
    Column("substitutes", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("cancelled", Boolean, nullable=False, server_default=text("false")),
    # When its content was said; null where none has come, and of rows that the release before
    # wrote and nobody has removed: `sent_at` tells it there, or it was said long ago.
    instant("said_at"),
    # The moments of the fields that another content said, null where none has; null for no field.
    json_object("fields_said_at", nullable=True),
    instant("removed_at"),  # when its removal was said; null where none stands
    Column("removed_as_correction", Boolean, nullable=False, server_default=text("false")),
    # Its person was in the roster before `starts_at`, and is not at it.
    Column("person_left", Boolean, nullable=False, server_default=text("false")),
    Column("standing", Boolean, nullable=False, server_default=text("true")),
    # `person_id` and `substitutes` are as they count when it starts, merged people as who they are
    # then. These are what was said, null where that is the same.
    Column("said_person_id", BigInteger),
    Column("said_substitutes", ARRAY(BigInteger)),
    *_sync_columns(),
    Index("ix_shift_site_starts", "tenant_id", "site_id", "starts_at"),
    Index("ix_shift_person_starts", "tenant_id", "person_id", "starts_at"),
    Index("ix_shift_starts", "tenant_id", "starts_at"),
    Index("ix_shift_ends", "tenant_id", "ends_at"),
)

# Leave of a person, or holidays of a site: it covers what begins from `absent_from` to `absent_to`,
# both included. A date means whole days at the site of the shift or check-in in question, so it is
# kept as a date: from `covers_since` to `covers_until` it may cover anything, wherever that is.
# `standing` says whether it counts: its content has come, and its removal does not stand.
absence = Table(
    "absence",
    metadata,
    tenant_key(),
    Column("absence_id", Text, primary_key=True),
    Column("person_id", BigInteger),
    Column("site_id", BigInteger),
    instant("absent_from"),
    Column("absent_from_date", Date),
    instant("absent_to"),
    Column("absent_to_date", Date),
    Column("reason", Text),
    instant("said_at"),  # as of a shift
    json_object("fields_said_at", nullable=True),  # as of a shift
    instant("removed_at"),  # when its removal was said; null where none stands
    Column("standing", Boolean, nullable=False, server_default=text("false")),
    Column(
        "covers_since",
        DateTime(timezone=True),
        Computed(
            "coalesce(absent_from, (absent_from_date::timestamp without time zone"
            " - '15:00:00'::interval) AT TIME ZONE 'UTC'::text)",
            persisted=True,
        ),
    ),
    Column(
        "covers_until",
        DateTime(timezone=True),
        Computed(
            "coalesce(absent_to, (absent_to_date::timestamp without time zone"
            " + '39:00:00'::interval) AT TIME ZONE 'UTC'::text)",
            persisted=True,
        ),
    ),
    *_sync_columns(),
    Index("ix_absence_person_covers", "tenant_id", "person_id", "covers_until"),
    Index("ix_absence_site_covers", "tenant_id", "site_id", "covers_until"),
)

# The substitutes of shifts by person, so that a person's shifts are found without reading
# everybody's. models.substitutes writes it. It may name people who no longer are substitutes (the
# shift says who is), but lacks none.
substitute = Table(
    "substitute",
    metadata,
    tenant_key(),
    Column("person_id", BigInteger, primary_key=True),
    instant("starts_at", nullable=False, primary_key=True),
    Column("shift_id", Text, primary_key=True),
)

# Every policy the tenant ever had, whole: its own and its sites' ({site_id: policy}).
policy_version = Table(
    "policy_version",
    metadata,
    tenant_key(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    instant("created_at", nullable=False),
    json_object("policy"),
    json_object("site_policies"),
    submitter("submitted_by"),
)

# What roster.sync changed and the judge has not looked at yet, old values and new alike. The judge
# deletes a row in the transaction that records the outcome.
roster_change = Table(
    "roster_change",
    metadata,
    tenant_key(),
    Column("change_id", BigInteger, Identity(always=True), primary_key=True),
    # person | named (a person whom others' anomalies may speak of) | site | device | shift | tenant
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),  # the id as text, '' for the tenant
    instant("at", nullable=False),
    # As in `pending`.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("taken", Boolean, nullable=False, server_default=text("false")),
    submitter("submitted_by"),  # null where the judge spread a change over those that it touches
    # Of a shift that did not change: it is judged by itself.
    Column("alone", Boolean, nullable=False, server_default=text("false")),
    # The time for which the change changed what held, `until` excluded; null has no bound. Only
    # that time is judged anew.
    instant("since"),
    instant("until"),
)
