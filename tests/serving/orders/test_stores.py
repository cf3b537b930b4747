"""Photos and pictures in a bucket, against an S3 that runs here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from easel_serving.orders import sources
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
    with pytest.raises(ServingError, match="photos/none"):
        Orders.open(tmp_path, f"{bucket}/orders").files.get("photos/none")
