"""Alembic's entry: it runs the revisions on the connection of models.migrations.upgrade."""

from alembic import context

from models.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    # What one revision locks it lets go before the next one begins.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
