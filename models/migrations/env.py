"""Alembic's entry: runs the revisions on the connection that models.migrations.upgrade hands over."""

from alembic import context

from models.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
