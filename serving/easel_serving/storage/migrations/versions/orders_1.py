"""Orders."""

import sqlalchemy as sa
from alembic import op

revision = "orders_1"
down_revision = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "orders",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("wishes", sa.JSON, nullable=False),
        sa.Column("photo", sa.String(255)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("lease_until", sa.Double),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("started", sa.Double),
        sa.Column("finished", sa.Double),
        sa.Column("result", sa.String(255)),
        sa.Column("painted_by", sa.JSON),
        sa.Column("webhook", sa.Text),
        sa.Column("call_state", sa.String(10)),
        sa.Column("call_due", sa.Double),
        sa.Column("call_attempts", sa.Integer, nullable=False),
        sa.UniqueConstraint("owner", "idempotency_key"),
    )
    op.create_index("orders_by_turn", "orders", ["state", "priority", "created"])
    op.create_index("orders_by_owner", "orders", ["owner", "created", "id"])
    op.create_index("orders_by_call", "orders", ["call_state", "call_due"])
