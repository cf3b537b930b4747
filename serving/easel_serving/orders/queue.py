"""The queue: orders are placed, seen by their owners, kept for some days and removed.

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

from easel_serving.orders.calls import Calls
from easel_serving.orders.files import PHOTOS, Files
from easel_serving.orders.leases import Leases
from easel_serving.orders.limits import DEFAULT, Limits
from easel_serving.orders.table import AT_ONCE, DONE, FAILED, ORDERS, PAINTING, QUEUED, Order, columns, from_row
from easel_serving.orders.wishes import Wishes
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import Database

_RECENT = 1000
"""So many orders done last say how long one takes."""
_NAMES = ORDERS.c.photo, ORDERS.c.mask, ORDERS.c.result
"""Of the files that belong to an order."""


class Missing(ServingError):
    """There is no such order, or it is somebody else's."""


class Conflict(ServingError):
    """The idempotency key was used for another request."""


class TooMany(ServingError):
    """The queue holds as many orders as it may."""


@dataclasses.dataclass(frozen=True)
class Statistics:
    """How the queue stands."""

    states: dict[str, int]
    oldest_seconds: float
    """Age of the oldest order that waits; 0 when none does."""
    painting_seconds: float
    """Mean time from being taken to being done, of the orders that were done last; 0 when none is."""


class Orders:
    """The orders of one database.

    Args:
        database: with the table.
        files: with photos and pictures.
        limits: of the queue.
    """

    def __init__(self, database: Database, files: Files, limits: Limits = DEFAULT):
        self._database, self.files, self.limits = database, files, limits
        self.leases = Leases(database, files, limits)
        self.calls = Calls(database, limits)

    @classmethod
    def open(cls, place: str | Path, photos: str | Path | None = None, limits: Limits = DEFAULT) -> "Orders":
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
        self,
        owner: str,
        wishes: Wishes,
        photo: bytes,
        idempotency_key: str | None = None,
        priority: int = 0,
        mask: bytes | None = None,
    ) -> tuple[Order, bool]:
        """Takes an order; it is on the disk when this returns.

        Args:
            owner: whose it is; only they see it.
            wishes: how to paint.
            photo: the file's bytes.
            idempotency_key: the same key and request give the same order again.
            priority: higher comes first.
            mask: the bytes of an image, white where the photo is painted.

        Returns:
            The order, and whether it is new.

        Raises:
            Conflict: the key belongs to another request.
            TooMany: the queue is full.
            Full, NoSpace, Unavailable, Away: of database and files.
        """
        digest = _digest(wishes, photo, priority, mask)
        if known := self._known(owner, idempotency_key, digest):
            return known, False
        self._check_room(owner)
        order_id, names = secrets.token_hex(16), list[str]()
        try:
            for data in (photo, *([] if mask is None else [mask])):
                names.append(self.files.put(PHOTOS, data))
            with self._database.writing() as connection:
                now = self._database.now(connection)
                asked = {
                    "owner": owner,
                    "idempotency_key": idempotency_key,
                    "request_digest": digest,
                    "priority": priority,
                }
                connection.execute(ORDERS.insert().values(id=order_id, **asked, **_queued(wishes, names, now)))
        except sa.exc.IntegrityError:
            # The same key, at the same moment.
            self._remove_files([names])
            if known := self._known(owner, idempotency_key, digest):
                return known, False
            raise
        except BaseException:
            self._remove_files([names])
            raise
        return self.find(order_id, owner), True

    def find(self, order_id: str, owner: str | None = None) -> Order:
        """An order; raises Missing when there is none, or it is not `owner`'s (None sees all)."""
        if "\0" in order_id:  # PostgreSQL takes none
            raise Missing("there is no such order")
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
        self._remove_files([(order.photo, order.mask, order.result)])

    def retry(self, order_id: str) -> None:
        """Queues an order that failed once more; raises Missing for one that did not."""
        with self._database.writing() as connection:
            values = {"state": QUEUED, "attempts": 0, "due": AT_ONCE, "reason": None, "finished": None,
                      "call_state": None}  # fmt: skip
            found = connection.execute(
                ORDERS.update().where(ORDERS.c.id == order_id, ORDERS.c.state == FAILED).values(values)
            )
        if not found.rowcount:
            raise Missing(f"there is no order {order_id[:40]} that failed")

    def clear(self) -> int:
        """Removes what was finished `keep_days` ago and files of no order; how many orders went."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            old = connection.execute(
                sa.select(ORDERS.c.id, *_NAMES).where(ORDERS.c.finished < now - self.limits.keep_days * 86_400)
            ).all()
            known = {name for row in connection.execute(sa.select(*_NAMES)) for name in row}
        orphans = self.files.orphans(known, now)
        if old:
            with self._database.writing() as connection:
                for part in _parts([row.id for row in old], 500):
                    connection.execute(ORDERS.delete().where(ORDERS.c.id.in_(part)))
        self._remove_files([row[1:] for row in old])
        self._remove_files([(name,) for name in orphans])
        return len(old)

    def statistics(self) -> Statistics:
        """Counts by state, and how long the oldest has waited."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            counted = connection.execute(sa.select(ORDERS.c.state, sa.func.count()).group_by(ORDERS.c.state)).all()
            oldest = connection.scalar(sa.select(sa.func.min(ORDERS.c.created)).where(ORDERS.c.state == QUEUED))
            taken = sa.select((ORDERS.c.finished - ORDERS.c.started).label("seconds")).where(ORDERS.c.state == DONE)
            recent = taken.order_by(ORDERS.c.finished.desc()).limit(_RECENT).subquery()
            seconds = connection.scalar(sa.select(sa.func.avg(recent.c.seconds)))
        waited = max(0.0, now - oldest) if oldest is not None else 0.0
        # Below 0 where the clock was set back meanwhile.
        return Statistics({state: count for state, count in counted}, waited, max(0.0, seconds or 0.0))

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

    def _remove_files(self, names: Sequence[Sequence[str | None]]) -> None:
        for name in (name for row in names for name in row):
            self.files.remove(name)


def _digest(wishes: Wishes, photo: bytes, priority: int, mask: bytes | None) -> str:
    digest = hashlib.sha256(wishes.model_dump_json(exclude_defaults=True).encode())
    digest.update(f"\0{priority}\0".encode())
    for data in (photo, mask or b""):
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()


def _parts(ids: list[str], size: int) -> list[list[str]]:
    return [ids[i : i + size] for i in range(0, len(ids), size)]


def _queued(wishes: Wishes, files: Sequence[str], now: float) -> dict[str, Any]:
    """The columns of an order as it begins, whose photo and perhaps mask lie in files."""
    return {
        "state": QUEUED,
        "wishes": wishes.model_dump(exclude_defaults=True),
        "photo": files[0],
        "mask": files[1] if len(files) > 1 else None,
        "created": now,
        "due": AT_ONCE,
        "attempts": 0,
        "progress": 0.0,
        "webhook": wishes.webhook,
        "call_attempts": 0,
    }
