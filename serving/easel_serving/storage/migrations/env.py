"""What Alembic runs: the steps on the connection that `database` gives it, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
