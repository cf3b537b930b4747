"""A database that is opened by a folder (SQLite) or a URL (PostgreSQL), brought to this version's tables.

SQLite is one file in the folder, with a write-ahead log: readers never wait, writers wait for each other. Every
transaction is on the disk when it is committed, unless it says that it need not be.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from easel_serving.protocol.errors import ServingError

FILE = "easel.sqlite"
"""The database's name in a folder."""

logging.getLogger("alembic").setLevel(logging.WARNING)

_WAIT_SECONDS = 10
"""How long a writer waits for another before it gives up: who asks over HTTP hears of it before their patience ends."""
_POSTGRESQL = {
    "connect_timeout": 5,
    # A machine that is gone says nothing: silence is asked about, and believed after some 20 seconds.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
_LOCK = 0x6561736C
"""PostgreSQL's advisory lock under which tables are changed."""


class Unavailable(ServingError):
    """The database cannot be reached just now, or is locked for too long: the same call may go through later."""


class Full(ServingError):
    """The disk of the database is full."""


class Database:
    """Connections to one database.

    It lies in a folder, which is made when it is missing, or at a URL such as `postgresql://user@host/name`.

    Raises:
        Unavailable: it cannot be reached.
        ServingError: the URL is of another kind, the folder cannot be written, or the tables are those of a newer
            Easel.
    """

    def __init__(self, place: str | Path):
        self._engine = _engine(place)
        self.place = self._engine.url.render_as_string(hide_password=True)
        self.embedded = self._engine.dialect.name == "sqlite"
        with self._faults():
            _migrate(self._engine, self.place)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that changes nothing."""
        with self._faults(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction: committed at the end, undone by an exception.

        Args:
            durable: whether it is on the disk when this ends. One that is not is much cheaper; a kill of this process
                does not undo it, a power cut (or PostgreSQL's own crash) may, whole, until the next one that is.
        """
        with self._faults(), self._engine.connect() as connection, connection.begin():
            if not self.embedded and not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            if self.embedded:
                connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                # At once, not at the first change: two that read and then write would both fail.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def now(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the database's clock, one for all who use it."""
        if self.embedded:
            return time.time()
        return float(connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")))

    def close(self) -> None:
        """Gives back every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            if "disk is full" in reason or "No space left" in reason:
                raise Full(f"{self.place}: the disk is full; free some space") from None
            if "readonly" in reason:
                raise ServingError(f"{self.place}: the database cannot be written ({reason})") from None
            raise Unavailable(f"{self.place}: the database cannot be used now ({reason})") from None
        except sa.exc.DatabaseError as error:
            if isinstance(error, sa.exc.IntegrityError):
                raise
            reason = " ".join(str(error.orig).split())
            raise ServingError(f"{self.place}: no sound database ({reason}); restore it from a copy") from None


def _engine(place: str | Path) -> sa.Engine:
    text = str(place)
    if "://" not in text:
        folder = Path(place)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServingError(f"{folder}: no folder for a database can be made here ({error.strerror})") from None
        url = sa.URL.create("sqlite", database=str((folder / FILE).absolute()))
        # The driver begins no transactions by itself: `writing` does, with the right kind of lock.
        engine = sa.create_engine(url, connect_args={"timeout": _WAIT_SECONDS, "isolation_level": None})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise ServingError("the address of the database cannot be read; use postgresql://USER@HOST/NAME") from None
    if url.get_backend_name() != "postgresql":
        raise ServingError(f"{url.get_backend_name()}: databases are a folder (SQLite) or postgresql://USER@HOST/NAME")
    url = url.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(url, pool_pre_ping=True, connect_args=_POSTGRESQL)
    except ModuleNotFoundError:
        raise ServingError("PostgreSQL needs its driver: install easel-serving[postgresql]") from None


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(engine: sa.Engine, place: str) -> None:
    config = Config()
    config.set_main_option("script_location", "easel_serving.storage:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _is_current(connection, scripts, place):
            return
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        # Another process may have done it while this one waited.
        if not _is_current(connection, scripts, place):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _is_current(connection: sa.Connection, scripts: ScriptDirectory, place: str) -> bool:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise ServingError(f"{place}: its tables were made by a newer Easel ({found}); use that one")
    return found == scripts.get_current_head()
