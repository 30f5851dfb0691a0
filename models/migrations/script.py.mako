"""${message}

It only adds (docs/development/changing.md): old code runs on the new schema while it is replaced.
"""

import sqlalchemy as sa
from alembic import op
from models.migrations.expand import add_column, build_index, drop_index, in_batches
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

# For tables in use: add_column; or build_index or in_batches, each in a revision of its own.


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
