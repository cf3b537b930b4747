"""The database layer: opened by many at once, and what is said when it cannot be used."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import easel_serving
import pytest
import sqlalchemy as sa
from easel_serving.protocol.errors import ServingError
from easel_serving.storage.database import FILE, Database, Full, Unavailable


def test_many_processes_make_the_tables_once(tmp_path: Path) -> None:
    code = "import sys; from easel_serving.storage.database import Database; Database(sys.argv[1]).close()"
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    with Database(tmp_path).reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM orders")) == 0


def test_a_newer_easels_tables_are_left_alone(tmp_path: Path) -> None:
    Database(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'orders_99'")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ServingError, match=r"newer Easel \(orders_99\)"):
        Database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(ServingError, match=FILE):
        Database(tmp_path)


def test_a_transaction_is_whole_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)

    def fail() -> None:
        with database.writing() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'x'"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) != "x"


@pytest.mark.parametrize("url", ["mysql://host/name", "not a url://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ServingError, match="postgresql://USER@HOST/NAME"):
        Database(url)


def test_a_database_that_is_gone_may_come_back() -> None:
    with pytest.raises(Unavailable) as caught:
        Database("postgresql://somebody:secret@127.0.0.1:1/orders")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServingError, match=str(tmp_path / "file")):
        Database(tmp_path / "file" / "orders")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_loses_nothing(small_disk: Path) -> None:
    database = Database(small_disk)
    insert = sa.text(
        "INSERT INTO orders (id, owner, request_digest, state, priority, wishes, created, due, attempts, progress, "
        "call_attempts) VALUES (:id, :text, '', 'queued', 0, '{}', 0, 0, 0, 0, 0)"
    )
    written = []

    def fill() -> None:
        for number in range(10_000):
            with database.writing() as connection:
                connection.execute(insert, {"id": str(number), "text": "x" * 5000})
            written.append(number)

    with pytest.raises(Full, match="the disk is full"):
        fill()
    with Database(small_disk).reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM orders")) == len(written)
