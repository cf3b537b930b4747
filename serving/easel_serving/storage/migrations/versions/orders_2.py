"""Masks of orders, and indexes by which no call reads the whole table."""

import sqlalchemy as sa
from alembic import op

revision = "orders_2"
down_revision = "orders_1"


def upgrade() -> None:
    """To this version."""
    op.add_column("orders", sa.Column("mask", sa.String(255)))
    op.drop_index("orders_by_turn", "orders")
    op.create_index("orders_by_turn", "orders", ["state", sa.text("priority DESC"), "created", "id"])
    op.create_index("orders_by_owner_and_state", "orders", ["owner", "state"])
    op.create_index("orders_by_end", "orders", ["state", "finished"])
