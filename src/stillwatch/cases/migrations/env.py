"""Alembic's entry point: works on the connection that the store hands in, inside its transaction."""

from alembic import context
from sqlalchemy import Connection

from stillwatch.cases.models import Base

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection):
    raise RuntimeError("migrations run when a case file is opened (CaseStore.open), not from Alembic's command line")
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
