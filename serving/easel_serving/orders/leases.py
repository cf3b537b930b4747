"""Who paints an order: whoever holds its lease, which has a deadline, is renewed, and is needed to finish it."""

import dataclasses
import secrets
from typing import Any

import sqlalchemy as sa

from easel_serving.orders.calls import WAITING
from easel_serving.orders.files import RESULTS, Files
from easel_serving.orders.limits import Limits
from easel_serving.orders.table import (
    AT_ONCE,
    DONE,
    FAILED,
    ORDERS,
    PAINTING,
    QUEUED,
    Order,
    columns,
    from_row,
    has_come,
)
from easel_serving.storage.database import Database

LEASE_SECONDS = 30.0
"""How long a worker may be silent before its order is given to another."""
_BACK_OFF, _LONGEST_BACK_OFF = 2.0, 300.0


class Leases:
    """What workers do with the orders of a database.

    Args:
        database: with the table.
        files: with photos and pictures.
        limits: of the queue.
    """

    def __init__(self, database: Database, files: Files, limits: Limits):
        self._database, self._files, self._limits = database, files, limits

    def take(self) -> Order | None:
        """The next order, leased to the caller for `LEASE_SECONDS`; None when nothing waits.

        An order whose lease ran out comes first; one that was tried too often fails instead.
        """
        while True:
            # A power cut may undo this: then the order waits as before.
            with self._database.writing(durable=False) as connection:
                now = self._database.now(connection)
                row = connection.execute(_next(_lapsed(now))).first() or connection.execute(_next(_due(now))).first()
                if row is None:
                    return None
                order = from_row(row)
                if order.attempts < self._limits.attempts:
                    taken = {"state": PAINTING, "attempts": order.attempts + 1, "lease": secrets.token_hex(16),
                             "lease_until": now + LEASE_SECONDS, "progress": 0.0, "started": now}  # fmt: skip
                    connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(taken))
                    del taken["lease_until"]
                    return dataclasses.replace(order, **taken)
                reason = order.reason or "its worker ended while it was painted"
                self._end(connection, order.id, now, FAILED, f"{reason}; tried {order.attempts} times")

    def renew(self, order: Order, progress: float) -> bool:
        """Keeps the lease for another `LEASE_SECONDS`; False when it is no longer the caller's, who is to stop."""
        with self._database.writing(durable=False) as connection:
            now = self._database.now(connection)
            values = {"lease_until": now + LEASE_SECONDS, "progress": progress}
            return bool(connection.execute(_held(order).values(values)).rowcount)

    def finish(self, order: Order, picture: bytes, suffix: str, painted_by: dict[str, Any]) -> bool:
        """Hands in the picture; False, and nothing is kept, when the lease is no longer the caller's."""
        name = self._files.put(RESULTS, picture, suffix)
        finished = False
        try:
            with self._database.writing() as connection:
                now = self._database.now(connection)
                finished = self._end(
                    connection, order, now, DONE, None, result=name, painted_by=painted_by, progress=1.0
                )
        finally:
            if not finished:
                self._files.remove(name)
        return finished

    def give_back(self, order: Order, reason: str, passing: bool) -> bool:
        """Says why an order was not painted: it is tried again later if that may pass, and has failed otherwise.

        False when the lease is no longer the caller's.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            if not passing or order.attempts >= self._limits.attempts:
                tried = f"; tried {order.attempts} times" if passing else ""
                return self._end(connection, order, now, FAILED, reason + tried)
            pause = min(_LONGEST_BACK_OFF, _BACK_OFF * 2 ** (order.attempts - 1))
            values = {"state": QUEUED, "due": now + pause, "lease": None, "lease_until": None, "reason": reason}
            return bool(connection.execute(_held(order).values(values)).rowcount)

    def _end(
        self, connection: sa.Connection, order: Order | str, now: float, state: str, reason: str | None, **more: Any
    ) -> bool:
        update = ORDERS.update().where(ORDERS.c.id == order) if isinstance(order, str) else _held(order)
        call = sa.case((ORDERS.c.webhook.is_not(None), WAITING), else_=None)
        values = {"state": state, "reason": reason, "finished": now, "lease": None, "lease_until": None,
                  "call_state": call, "call_due": AT_ONCE, **more}  # fmt: skip
        return bool(connection.execute(update.values(values)).rowcount)


def _lapsed(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(ORDERS.c.state == PAINTING, has_come(ORDERS.c.lease_until, now, 2 * LEASE_SECONDS))


def _due(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(ORDERS.c.state == QUEUED, has_come(ORDERS.c.due, now, _LONGEST_BACK_OFF))


def _next(ready: sa.ColumnElement[bool]) -> sa.Select:
    # In the order of an index: the time that it takes does not grow with the queue.
    turn = ORDERS.c.priority.desc(), ORDERS.c.created, ORDERS.c.id
    return sa.select(*columns()).where(ready).order_by(*turn).limit(1).with_for_update(skip_locked=True)


def _held(order: Order) -> sa.Update:
    return ORDERS.update().where(ORDERS.c.id == order.id, ORDERS.c.state == PAINTING, ORDERS.c.lease == order.lease)
