"""Photos and pictures in a bucket, against an S3 that runs here."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from easel_serving.orders import sources
from easel_serving.orders.files import Away, Files, Gone
from easel_serving.orders.queue import Orders
from easel_serving.orders.wishes import parse
from easel_serving.orders.worker import Worker
from easel_serving.protocol.errors import ServingError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("obstore")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
    client.create_bucket(Bucket="shop")
    client.put_object(Bucket="shop", Key="in/a photo.jpg", Body=b"photo")
    client.put_object(Bucket="shop", Key="secret.jpg", Body=b"secret")
    yield "s3://shop"
    server.stop()


def test_an_order_from_a_bucket_to_a_bucket(bucket: str, tmp_path: Path) -> None:
    photo = sources.fetch(f"{bucket}/in/a photo.jpg", [f"{bucket}/in"], 100)
    queue = Orders.open(tmp_path, f"{bucket}/orders")
    placed, _ = queue.place("", parse({"style": "wave"}), photo)
    Worker(queue, lambda wishes, photo, mask, report: (photo[::-1], ".jpg", {})).paint(queue.leases.take())
    done = queue.find(placed.id)
    assert queue.files.get(done.result) == b"otohp"
    assert set(queue.files.orphans(set(), 1e12)) == {done.photo, done.result}
    queue.remove(placed.id)
    assert queue.files.orphans(set(), 1e12) == []
    queue.files.remove(done.result)  # what is gone already is no fault


def test_what_the_bucket_does_not_have_is_said(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"none.jpg cannot be read"):
        sources.fetch(f"{bucket}/in/none.jpg", [f"{bucket}/in"], 100)
    with pytest.raises(ServingError, match="only from configured places"):
        sources.fetch(f"{bucket}/in/../secret.jpg", [f"{bucket}/in"], 100)
    with pytest.raises(ServingError, match="more than 3 bytes"):
        sources.fetch(f"{bucket}/in/a photo.jpg", [f"{bucket}/in"], 3)
    with pytest.raises(Gone, match="photos/none"):
        Orders.open(tmp_path, f"{bucket}/orders").files.get("photos/none")
    with pytest.raises(Away, match="photos/"):
        Files("s3://nobody/orders").put("photos", b"photo")


def test_a_picture_is_delivered_in_pieces(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easel_serving.orders.files._PIECE", 4)
    files = Files(f"{bucket}/orders")
    size, pieces = files.pieces(files.put("results", b"0123456789"))
    assert (size, list(pieces)) == (10, [b"0123", b"4567", b"89"])


def test_a_bucket_that_is_away_is_one_kind_of_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
    for name, value in {"AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("easel_serving.orders.stores._RETRY_SECONDS", 0)
    queue = Orders.open(tmp_path, "s3://shop/orders")
    for call in (
        lambda: queue.place("", parse({"style": "wave"}), b"photo"),
        lambda: queue.files.get("photos/a"),
        lambda: queue.files.pieces("results/a"),
        lambda: queue.clear(),
    ):
        with pytest.raises(Away) as raised:
            call()
        assert "\n" not in str(raised.value)
    with pytest.raises(sources.Away):
        sources.fetch("s3://shop/in/a.jpg", ["s3://shop/in"], 100)
    queue.files.remove("photos/a")  # left for later
    assert queue.page() == []
