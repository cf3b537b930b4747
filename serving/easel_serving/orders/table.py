"""The table of orders, and one of them as others see it."""

import dataclasses
from typing import Any

import sqlalchemy as sa

QUEUED, PAINTING, DONE, FAILED = "queued", "painting", "done", "failed"
STATES = (QUEUED, PAINTING, DONE, FAILED)
AT_ONCE = 0.0
"""When what need not wait is due, whatever the clock is set to."""

ORDERS = sa.table(
    "orders",
    sa.column("id", sa.String),
    sa.column("owner", sa.String),
    sa.column("idempotency_key", sa.String),
    sa.column("request_digest", sa.String),
    sa.column("state", sa.String),
    sa.column("priority", sa.Integer),
    sa.column("wishes", sa.JSON),
    sa.column("photo", sa.String),
    sa.column("mask", sa.String),
    sa.column("created", sa.Double),
    sa.column("due", sa.Double),
    sa.column("attempts", sa.Integer),
    sa.column("lease", sa.String),
    sa.column("lease_until", sa.Double),
    sa.column("progress", sa.Double),
    sa.column("reason", sa.Text),
    sa.column("started", sa.Double),
    sa.column("finished", sa.Double),
    sa.column("result", sa.String),
    sa.column("painted_by", sa.JSON),
    sa.column("webhook", sa.Text),
    sa.column("call_state", sa.String),
    sa.column("call_due", sa.Double),
    sa.column("call_attempts", sa.Integer),
)
"""Its columns are made by `easel_serving.storage.migrations`. Times are seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Order:
    """A row of the table."""

    id: str
    owner: str
    state: str
    priority: int
    wishes: dict[str, Any]
    photo: str
    mask: str | None
    created: float
    due: float
    attempts: int
    lease: str | None
    progress: float
    reason: str | None
    started: float | None
    finished: float | None
    result: str | None
    painted_by: dict[str, Any] | None
    webhook: str | None
    call_attempts: int

    def document(self) -> dict[str, Any]:
        """What its owner is told, for JSON."""
        facts: dict[str, Any] = {
            "id": self.id,
            "state": self.state,
            "progress": round(self.progress, 3),
            "attempts": self.attempts,
            "created": self.created,
            "wishes": self.wishes,
        }
        if self.mask is not None:
            facts["mask"] = True
        for name in ("started", "finished", "reason", "painted_by"):
            if getattr(self, name) is not None:
                facts[name] = getattr(self, name)
        return facts


_FIELDS = tuple(field.name for field in dataclasses.fields(Order))


def columns() -> list[sa.ColumnClause]:
    """The columns that `from_row` reads."""
    return [ORDERS.c[name] for name in _FIELDS]


def from_row(row: sa.Row) -> Order:
    """An order from a row of `columns`."""
    return Order(*row)


def has_come(moment: sa.ColumnClause, now: float, longest: float) -> sa.ColumnElement[bool]:
    """Whether a moment has come that was set at most `longest` seconds ahead.

    One that is further ahead than that was set before the clock was set back: it has come, too.
    """
    return sa.or_(moment <= now, moment > now + longest)
