"""The queue: orders are placed, taken by leases, finished once, kept for some days and removed.

Why no queue library: huey on SQLite loses what runs when a worker is killed, procrastinate and pgqueuer need
PostgreSQL, and a second store beside the table would have to agree with it after every kill. `SELECT ... FOR UPDATE
SKIP LOCKED` on PostgreSQL and an immediate transaction on SQLite are all that is needed.
"""

import dataclasses
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from easel_serving.orders.files import PHOTOS, RESULTS, Files
from easel_serving.orders.table import DONE, FAILED, ORDERS, PAINTING, QUEUED, Order, columns, from_row
from easel_serving.orders.wishes import Wishes
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import Database

LEASE_SECONDS = 30.0
"""How long a worker may be silent before its order is given to another."""
_BACK_OFF, _LONGEST_BACK_OFF = 2.0, 300.0
_WAITING = "waiting"
"""State of a webhook that is still to be called."""


class Missing(ServingError):
    """There is no such order, or it is somebody else's."""


class Conflict(ServingError):
    """The idempotency key was used for another request."""


class TooMany(ServingError):
    """The queue holds as many orders as it may."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the queue takes."""

    queued: int = 100_000
    """Orders that wait or are painted."""
    queued_per_owner: int = 20_000
    attempts: int = 5
    """How often an order is tried before it fails."""
    keep_days: float = 30.0
    """How long orders are kept after they are finished, with photo and picture."""
    call_attempts: int = 8
    """How often a webhook is called until it answers."""


@dataclasses.dataclass(frozen=True)
class Statistics:
    """How the queue stands."""

    states: dict[str, int]
    oldest_seconds: float
    """Age of the oldest order that waits; 0 when none does."""
    painting_seconds: float
    """Mean time from being taken to being done, of the orders that are kept; 0 when none is done."""


class Orders:
    """The orders of one database.

    Args:
        database: with the table.
        files: with photos and pictures.
        limits: of the queue.
    """

    def __init__(self, database: Database, files: Files, limits: Limits = Limits()):
        self._database, self.files, self.limits = database, files, limits

    @classmethod
    def open(cls, place: str | Path, photos: str | Path | None = None, limits: Limits = Limits()) -> "Orders":
        """The orders in a folder, or in a database by URL with `photos`, a folder or URL that all workers reach.

        Raises:
            ServingError: as `Database` and `Files`, or a database by URL without `photos`.
        """
        if photos is None:
            if "://" in str(place):
                raise ServingError("orders in a database need a place for photos that every worker reaches: --photos")
            photos = Path(place)
        return cls(Database(place), Files(photos), limits)

    def place(
        self, owner: str, wishes: Wishes, photo: bytes, idempotency_key: str | None = None, priority: int = 0
    ) -> tuple[Order, bool]:
        """Takes an order; it is on the disk when this returns.

        Args:
            owner: whose it is; only they see it.
            wishes: how to paint.
            photo: the file's bytes.
            idempotency_key: the same key and request give the same order again.
            priority: higher comes first.

        Returns:
            The order, and whether it is new.

        Raises:
            Conflict: the key belongs to another request.
            TooMany: the queue is full.
            Full, NoSpace, Unavailable: of database and files.
        """
        digest = _digest(wishes, photo, priority)
        if known := self._known(owner, idempotency_key, digest):
            return known, False
        self._check_room(owner)
        name = self.files.put(PHOTOS, photo)
        order_id = secrets.token_hex(16)
        try:
            with self._database.writing() as connection:
                now = self._database.now(connection)
                connection.execute(
                    ORDERS.insert().values(
                        id=order_id,
                        owner=owner,
                        idempotency_key=idempotency_key,
                        request_digest=digest,
                        state=QUEUED,
                        priority=priority,
                        wishes=wishes.model_dump(exclude_defaults=True),
                        photo=name,
                        created=now,
                        due=now,
                        attempts=0,
                        progress=0.0,
                        webhook=wishes.webhook,
                        call_attempts=0,
                    )
                )
        except sa.exc.IntegrityError:
            # The same key, at the same moment.
            self.files.remove(name)
            if known := self._known(owner, idempotency_key, digest):
                return known, False
            raise
        except BaseException:
            self.files.remove(name)
            raise
        return self.find(order_id, owner), True

    def find(self, order_id: str, owner: str | None = None) -> Order:
        """An order; raises Missing when there is none, or it is not `owner`'s (None sees all)."""
        query = sa.select(*columns()).where(ORDERS.c.id == order_id)
        if owner is not None:
            query = query.where(ORDERS.c.owner == owner)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise Missing(f"there is no order {order_id[:40]}")
        return from_row(row)

    def page(
        self, owner: str | None = None, state: str | None = None, limit: int = 50, before: str | None = None
    ) -> list[Order]:
        """Orders, newest first: at most `limit` of them, older than the order `before`; errors as for `find`."""
        query = sa.select(*columns()).order_by(ORDERS.c.created.desc(), ORDERS.c.id.desc()).limit(limit)
        if owner is not None:
            query = query.where(ORDERS.c.owner == owner)
        if state is not None:
            query = query.where(ORDERS.c.state == state)
        if before is not None:
            last = self.find(before, owner)
            query = query.where(sa.tuple_(ORDERS.c.created, ORDERS.c.id) < sa.tuple_(last.created, last.id))
        with self._database.reading() as connection:
            return [from_row(row) for row in connection.execute(query)]

    def remove(self, order_id: str, owner: str | None = None) -> None:
        """Removes an order with its photo and picture, in whatever state it is; raises Missing."""
        order = self.find(order_id, owner)
        with self._database.writing() as connection:
            connection.execute(ORDERS.delete().where(ORDERS.c.id == order_id))
        self._remove_files([(order.photo, order.result)])

    def retry(self, order_id: str) -> None:
        """Queues an order that failed once more; raises Missing for one that did not."""
        with self._database.writing() as connection:
            values = {"state": QUEUED, "attempts": 0, "due": self._database.now(connection), "reason": None,
                      "finished": None, "call_state": None}  # fmt: skip
            found = connection.execute(
                ORDERS.update().where(ORDERS.c.id == order_id, ORDERS.c.state == FAILED).values(values)
            )
        if not found.rowcount:
            raise Missing(f"there is no order {order_id[:40]} that failed")

    def take(self) -> Order | None:
        """The next order, leased to the caller for `LEASE_SECONDS`; None when nothing waits.

        Orders whose lease ran out are taken like those that wait; one that was tried too often fails instead.
        """
        while True:
            with self._database.writing() as connection:
                now = self._database.now(connection)
                # A lease that ends later than any can was given before the clock was set back.
                lapsed = sa.or_(ORDERS.c.lease_until < now, ORDERS.c.lease_until > now + 2 * LEASE_SECONDS)
                ready = sa.or_(
                    sa.and_(ORDERS.c.state == QUEUED, ORDERS.c.due <= now),
                    sa.and_(ORDERS.c.state == PAINTING, lapsed),
                )
                row = connection.execute(
                    sa.select(*columns())
                    .where(ready)
                    .order_by(ORDERS.c.priority.desc(), ORDERS.c.created, ORDERS.c.id)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                ).first()
                if row is None:
                    return None
                order = from_row(row)
                if order.attempts < self.limits.attempts:
                    taken = {"state": PAINTING, "attempts": order.attempts + 1, "lease": secrets.token_hex(16),
                             "lease_until": now + LEASE_SECONDS, "progress": 0.0, "started": now}  # fmt: skip
                    connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(taken))
                    del taken["lease_until"]
                    return dataclasses.replace(order, **taken)
                reason = order.reason or "its worker ended while it was painted"
                self._end(connection, order.id, now, FAILED, f"{reason}; tried {order.attempts} times")

    def renew(self, order: Order, progress: float) -> bool:
        """Keeps the lease for another `LEASE_SECONDS`; False when it is no longer the caller's, who is to stop."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            values = {"lease_until": now + LEASE_SECONDS, "progress": progress}
            return bool(connection.execute(_held(order).values(values)).rowcount)

    def finish(self, order: Order, picture: bytes, suffix: str, painted_by: dict[str, Any]) -> bool:
        """Hands in the picture; False, and nothing is kept, when the lease is no longer the caller's."""
        name = self.files.put(RESULTS, picture, suffix)
        finished = False
        try:
            with self._database.writing() as connection:
                now = self._database.now(connection)
                finished = self._end(
                    connection, order, now, DONE, None, result=name, painted_by=painted_by, progress=1.0
                )
        finally:
            if not finished:
                self.files.remove(name)
        return finished

    def give_back(self, order: Order, reason: str, passing: bool) -> bool:
        """Says why an order was not painted: it is tried again later if that may pass, and has failed otherwise.

        False when the lease is no longer the caller's.
        """
        with self._database.writing() as connection:
            now = self._database.now(connection)
            if not passing or order.attempts >= self.limits.attempts:
                tried = f"; tried {order.attempts} times" if passing else ""
                return self._end(connection, order, now, FAILED, reason + tried)
            pause = min(_LONGEST_BACK_OFF, _BACK_OFF * 2 ** (order.attempts - 1))
            values = {"state": QUEUED, "due": now + pause, "lease": None, "lease_until": None, "reason": reason}
            return bool(connection.execute(_held(order).values(values)).rowcount)

    def take_call(self) -> Order | None:
        """An order whose webhook is due, leased to the caller for a minute; None when there is none."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            row = connection.execute(
                sa.select(*columns())
                .where(ORDERS.c.call_state == _WAITING, ORDERS.c.call_due <= now)
                .order_by(ORDERS.c.call_due)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return None
            order = from_row(row)
            values = {"call_due": now + 60.0, "call_attempts": order.call_attempts + 1}
            connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(values))
            return dataclasses.replace(order, call_attempts=order.call_attempts + 1)

    def called(self, order: Order, answered: bool) -> None:
        """Notes what became of a webhook's call."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            if answered or order.call_attempts >= self.limits.call_attempts:
                values: dict[str, Any] = {"call_state": "called" if answered else "given up"}
            else:
                values = {"call_due": now + min(3600.0, 5.0 * 4 ** (order.call_attempts - 1))}
            connection.execute(ORDERS.update().where(ORDERS.c.id == order.id).values(values))

    def clear(self) -> int:
        """Removes what was finished `keep_days` ago and files of no order; how many orders went."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            old = connection.execute(
                sa.select(ORDERS.c.id, ORDERS.c.photo, ORDERS.c.result).where(
                    ORDERS.c.finished < now - self.limits.keep_days * 86_400
                )
            ).all()
            known = {name for row in connection.execute(sa.select(ORDERS.c.photo, ORDERS.c.result)) for name in row}
        orphans = self.files.orphans(known, now)
        if old:
            with self._database.writing() as connection:
                for part in _parts([row.id for row in old], 500):
                    connection.execute(ORDERS.delete().where(ORDERS.c.id.in_(part)))
        self._remove_files([(row.photo, row.result) for row in old])
        self._remove_files([(name,) for name in orphans])
        return len(old)

    def statistics(self) -> Statistics:
        """Counts by state, and how long the oldest has waited."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            counted = connection.execute(sa.select(ORDERS.c.state, sa.func.count()).group_by(ORDERS.c.state)).all()
            oldest = connection.scalar(sa.select(sa.func.min(ORDERS.c.created)).where(ORDERS.c.state == QUEUED))
            taken = sa.func.avg(ORDERS.c.finished - ORDERS.c.started)
            seconds = connection.scalar(sa.select(taken).where(ORDERS.c.state == DONE))
        waited = max(0.0, now - oldest) if oldest is not None else 0.0
        return Statistics({state: count for state, count in counted}, waited, seconds or 0.0)

    def _known(self, owner: str, idempotency_key: str | None, digest: str) -> Order | None:
        if idempotency_key is None:
            return None
        query = sa.select(ORDERS.c.request_digest, *columns()).where(
            ORDERS.c.owner == owner, ORDERS.c.idempotency_key == idempotency_key
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if row[0] != digest:
            raise Conflict(f"idempotency key {idempotency_key[:40]}: it was used for another order")
        return Order(*row[1:])

    def _check_room(self, owner: str) -> None:
        waiting = ORDERS.c.state.in_([QUEUED, PAINTING])
        with self._database.reading() as connection:
            every = connection.scalar(sa.select(sa.func.count()).select_from(ORDERS).where(waiting))
            own = connection.scalar(
                sa.select(sa.func.count()).select_from(ORDERS).where(waiting, ORDERS.c.owner == owner)
            )
        if every >= self.limits.queued or own >= self.limits.queued_per_owner:
            raise TooMany(f"{max(own, every)} orders wait already; try again later")

    def _end(
        self, connection: sa.Connection, order: Order | str, now: float, state: str, reason: str | None, **more: Any
    ) -> bool:
        update = ORDERS.update().where(ORDERS.c.id == order) if isinstance(order, str) else _held(order)
        call = sa.case((ORDERS.c.webhook.is_not(None), _WAITING), else_=None)
        values = {"state": state, "reason": reason, "finished": now, "lease": None, "lease_until": None,
                  "call_state": call, "call_due": now, **more}  # fmt: skip
        return bool(connection.execute(update.values(values)).rowcount)

    def _remove_files(self, names: Sequence[Sequence[str | None]]) -> None:
        for name in (name for row in names for name in row):
            self.files.remove(name)


def _held(order: Order) -> sa.Update:
    return ORDERS.update().where(ORDERS.c.id == order.id, ORDERS.c.state == PAINTING, ORDERS.c.lease == order.lease)


def _digest(wishes: Wishes, photo: bytes, priority: int) -> str:
    digest = hashlib.sha256(wishes.model_dump_json().encode())
    digest.update(f"\0{priority}\0".encode())
    digest.update(photo)
    return digest.hexdigest()


def _parts(ids: list[str], size: int) -> list[list[str]]:
    return [ids[i : i + size] for i in range(0, len(ids), size)]
