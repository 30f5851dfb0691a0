"""The roster's past: what was said of its rows, and how they were from when to when.

Here are only the tables and columns. 0016 fills them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.expand import add_column

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KINDS = ("tenant", "site", "person", "device")


def upgrade() -> None:
    _create_tables()
    _add_columns()


def _create_tables() -> None:
    op.create_table(
        "statement",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("effective_date", sa.Date(), nullable=True),
        sa.Column("correction", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "content", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("extra", postgresql.JSONB(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint(
            "tenant_id", "kind", "key", "said_at", "digest", name="pk_statement"
        ),
    )
    _create_versions("tenant", [], [sa.Column("name", sa.Text(), nullable=False), _policy()])
    _create_versions(
        "site",
        [sa.Column("site_id", sa.BigInteger(), nullable=False)],
        [
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("latitude", sa.Double(), nullable=True),
            sa.Column("longitude", sa.Double(), nullable=True),
            sa.Column("radius_m", sa.Double(), nullable=True),
            sa.Column("boundary", postgresql.JSONB(), nullable=True),
            _policy(),
        ],
    )
    op.create_index(
        "ix_site_version_policy",
        "site_version",
        ["tenant_id"],
        postgresql_where=sa.text("policy <> '{}'"),
    )
    _create_versions(
        "person",
        [sa.Column("person_id", sa.BigInteger(), nullable=False)],
        [sa.Column("name", sa.Text(), nullable=False)],
    )
    _create_versions(
        "device",
        [sa.Column("device_id", sa.Text(), nullable=False)],
        [
            sa.Column("shared", sa.Boolean(), nullable=False),
            sa.Column("person_id", sa.BigInteger(), nullable=True),
        ],
    )


def _create_versions(
    kind: str, key: list[sa.Column[object]], content: list[sa.Column[object]]
) -> None:
    op.create_table(
        f"{kind}_version",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *key,
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        *content,
        sa.PrimaryKeyConstraint(
            "tenant_id", *(column.name for column in key), "since", name=f"pk_{kind}_version"
        ),
    )


def _policy() -> sa.Column[object]:
    return sa.Column("policy", postgresql.JSONB(), nullable=False)


def _add_columns() -> None:
    for name in ("people_spans", "assignment_spans"):
        add_column(
            "tenant",
            sa.Column(
                name,
                postgresql.TSTZMULTIRANGE(),
                server_default=sa.text("'{}'::tstzmultirange"),
                nullable=False,
            ),
        )
    for table, name in (
        ("assignment", "said_at"),
        ("assignment", "ended_at"),
        ("shift", "said_at"),
        ("shift", "removed_at"),
        ("roster_change", "since"),
        ("roster_change", "until"),
        ("rejected", "occurred_at"),
    ):
        add_column(table, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for table in ("assignment", "shift"):
        add_column(table, sa.Column("fields_said_at", postgresql.JSONB(), nullable=True))
    for table, name, default in (
        ("assignment", "never_was", "false"),
        ("shift", "removed_as_correction", "false"),
        ("shift", "person_left", "false"),
        ("shift", "standing", "true"),
    ):
        add_column(
            table,
            sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False),
        )


def downgrade() -> None:
    for table, names in (
        ("rejected", ("occurred_at",)),
        ("roster_change", ("until", "since")),
        (
            "shift",
            (
                "standing",
                "person_left",
                "removed_as_correction",
                "removed_at",
                "fields_said_at",
                "said_at",
            ),
        ),
        ("assignment", ("never_was", "ended_at", "fields_said_at", "said_at")),
        ("tenant", ("assignment_spans", "people_spans")),
    ):
        for name in names:
            op.drop_column(table, name)
    for kind in reversed(KINDS):
        op.drop_table(f"{kind}_version")
    op.drop_table("statement")
