"""How Alembic reaches the database: only through the connection that the caller hands over."""

from alembic import context

from papertape.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
