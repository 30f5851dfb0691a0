"""The roster's past: what was said of its rows, and how they were from when to when.

Rows that are there have held since ever, and removed ones until their removal, so that nothing is
judged anew. What takes an UPDATE is in 0016.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.expand import add_column

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Kind: what tells its rows apart, its key as text, and what a statement says of it.
ROWS = {
    "tenant": (
        "''",
        "name <> ''",
        "'name', name, 'roster_complete', roster_complete, 'policy', policy",
    ),
    "site": (
        "site_id::text",
        "name <> ''",
        "'name', name, 'timezone', timezone, 'latitude', latitude, 'longitude', longitude,"
        " 'radius_m', radius_m, 'boundary', boundary, 'policy', policy",
    ),
    "person": ("person_id::text", "name <> ''", "'name', name"),
    # Of a removed device it cannot be told whether it ever came: then it was of no use.
    "device": ("device_id", "true", "'shared', shared, 'person_id', person_id"),
}
# A row whose removal came before it has blanks for what it lacks.
CONTENT = """
INSERT INTO statement (
    tenant_id, kind, key, said_at, digest, content, extra, received_at, sent_at, submitted_by
)
SELECT tenant_id, '{kind}', {key}, said_at, sha256(convert_to(content::text, 'UTF8')),
    content, extra, statement_timestamp(), CASE WHEN NOT deleted THEN sent_at END,
    CASE WHEN NOT deleted THEN submitted_by END
FROM (
    SELECT *, jsonb_build_object({content}) AS content,
        CASE WHEN deleted OR sent_at IS NULL THEN timestamptz 'epoch' ELSE sent_at END AS said_at
    FROM {kind}
) AS told
WHERE {has_come}
"""
REMOVAL = """
INSERT INTO statement (
    tenant_id, kind, key, said_at, digest, deleted, received_at, sent_at, submitted_by
)
SELECT tenant_id, '{kind}', {key}, coalesce(sent_at, statement_timestamp()),
    sha256('removed'), true, statement_timestamp(), sent_at, submitted_by
FROM {kind} WHERE deleted
"""
REMOVED = {
    **{kind: key for kind, (key, _, _) in ROWS.items()},
    "shift": "shift_id",
    "assignment": "person_id || '/' || site_id || '/' || valid_from_key",
}
# Table of versions: the columns that tell its rows apart, and what else it holds.
VERSIONS = {
    "tenant": ("tenant_id", "name, policy"),
    "site": (
        "tenant_id, site_id",
        "name, latitude, longitude, radius_m, boundary, policy",
    ),
    "person": ("tenant_id, person_id", "name"),
    "device": ("tenant_id, device_id", "shared, person_id"),
}
VERSION = """
INSERT INTO {kind}_version ({key}, since, until, {content})
SELECT {key}, '-infinity',
    CASE WHEN deleted THEN coalesce(sent_at, statement_timestamp()) ELSE 'infinity' END, {content}
FROM {kind} WHERE {has_come}
"""


def upgrade() -> None:
    _create_tables()
    _add_columns()
    for kind, (key, has_come, content) in ROWS.items():
        op.execute(CONTENT.format(kind=kind, key=key, has_come=has_come, content=content))
    for kind, key in REMOVED.items():
        op.execute(REMOVAL.format(kind=kind, key=key))
    for kind, (key, content) in VERSIONS.items():
        op.execute(VERSION.format(kind=kind, key=key, has_come=ROWS[kind][1], content=content))


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
    ):
        add_column(table, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name, default in (
        ("removed_as_correction", "false"),
        ("person_left", "false"),
        ("standing", "true"),
    ):
        add_column(
            "shift",
            sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False),
        )


def downgrade() -> None:
    for table, names in (
        ("roster_change", ("until", "since")),
        ("shift", ("standing", "person_left", "removed_as_correction", "removed_at", "said_at")),
        ("assignment", ("ended_at", "said_at")),
        ("tenant", ("assignment_spans", "people_spans")),
    ):
        for name in names:
            op.drop_column(table, name)
    for kind in reversed(VERSIONS):
        op.drop_table(f"{kind}_version")
    op.drop_table("statement")
