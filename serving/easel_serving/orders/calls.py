"""Which webhooks are still to be called."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from easel_serving.orders.limits import Limits
from easel_serving.orders.table import ORDERS, Order, columns, from_row, has_come
from easel_serving.storage.database import Database

WAITING = "waiting"
"""State of a webhook that is still to be called."""
_LONGEST_BACK_OFF = 3600.0


class Calls:
    """The webhooks of a database's orders.

    Args:
        database: with the table.
        limits: of the queue.
    """

    def __init__(self, database: Database, limits: Limits):
        self._database, self._limits = database, limits

    def take(self) -> Order | None:
        """An order whose webhook is due, leased to the caller for a minute; None when there is none."""
        # Mostly there is none, and looking holds up nobody.
        with self._database.reading() as connection:
            if connection.execute(_due(self._database.now(connection))).first() is None:
                return None
        with self._database.writing(durable=False) as connection:
            now = self._database.now(connection)
            row = connection.execute(_due(now).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            order = from_row(row)
            values = {"call_due": now + 60.0, "call_attempts": order.call_attempts + 1}
            connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(values))
            return dataclasses.replace(order, call_attempts=order.call_attempts + 1)

    def note(self, order: Order, answered: bool) -> None:
        """Notes what became of a webhook's call."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            if answered or order.call_attempts >= self._limits.call_attempts:
                values: dict[str, Any] = {"call_state": "called" if answered else "given up"}
            else:
                values = {"call_due": now + min(_LONGEST_BACK_OFF, 5.0 * 4 ** (order.call_attempts - 1))}
            connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(values))


def _due(now: float) -> sa.Select:
    due = ORDERS.c.call_state == WAITING, has_come(ORDERS.c.call_due, now, _LONGEST_BACK_OFF)
    return sa.select(*columns()).where(*due).order_by(ORDERS.c.call_due).limit(1)
