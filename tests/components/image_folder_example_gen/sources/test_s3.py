"""Photos in a bucket, on an S3 server of this machine."""

import threading

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.image_folder_example_gen.ingest.scan import scan
from components.image_folder_example_gen.options import IngestOptions
from components.image_folder_example_gen.sources import fingerprint, s3, storage
from components.image_folder_example_gen.vocabulary.reasons import Reason, Unusable
from tests.components.image_folder_example_gen import corpus
from trainer.base.errors import UserError


@pytest.fixture(scope="module")
def bucket():
    """`s3://pictures/photos` with two classes, as the AWS environment variables say."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="pictures")
        for number in range(12):
            body = corpus.save(corpus.photo(seed=number), "JPEG")
            s3.put_object(Bucket="pictures", Key=f"photos/{'cat' if number % 2 else 'dog'}/{number}.jpg", Body=body)
        s3.put_object(Bucket="pictures", Key="photos/cat/again.jpg", Body=body)
        s3.put_object(Bucket="pictures", Key="photos/cat/broken.jpg", Body=body[: len(body) // 2])
        s3.put_object(Bucket="pictures", Key="photos/cat/", Body=b"")  # what consoles make of an empty folder
        yield s3
    server.stop()


def test_a_bucket_is_ingested_like_a_folder(bucket):
    found = scan("s3://pictures/photos", IngestOptions())
    assert (found.seen, found.examples, found.rejected, found.duplicates) == (14, 12, 1, 1)
    assert dict(found.classes) == {"cat": 6, "dog": 6}


def test_a_new_photo_is_noticed_without_being_read(bucket):
    before = fingerprint.fingerprint("s3://pictures/photos", IngestOptions())
    assert fingerprint.fingerprint("s3://pictures/photos/", IngestOptions()) == before
    bucket.put_object(Bucket="pictures", Key="photos/dog/new.jpg", Body=b"x")
    assert fingerprint.fingerprint("s3://pictures/photos", IngestOptions()) != before
    bucket.delete_object(Bucket="pictures", Key="photos/dog/new.jpg")


def test_a_long_listing_comes_whole(bucket, monkeypatch):
    monkeypatch.setattr(s3, "_PAGE", 4)
    for number in range(11):
        bucket.put_object(Bucket="pictures", Key=f"many/{number}", Body=b"")
    assert len(set(s3.entries("s3://pictures/many"))) == 11


def test_reading(bucket):
    bucket.put_object(Bucket="pictures", Key="one", Body=b"content")
    assert storage.read(b"s3://pictures/one", 7) == b"content"
    for path, reason in ((b"s3://pictures/one", Reason.TOO_LARGE), (b"s3://pictures/none", Reason.VANISHED)):
        with pytest.raises(Unusable) as caught:
            storage.read(path, 6)
        assert caught.value.reason is reason


def test_a_bucket_that_is_not_there_is_one_line(bucket):
    with pytest.raises(UserError, match=r"s3://nowhere/photos: cannot be listed: .*NoSuchBucket"):
        list(s3.entries("s3://nowhere/photos"))


def test_a_server_that_does_not_answer_is_one_line(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3, "_OF_THIS_THREAD", threading.local())
    with pytest.raises(UserError, match="cannot be listed: Could not connect"):
        list(s3.entries("s3://pictures/photos"))
    with pytest.raises(Unusable, match="Could not connect"):
        storage.read(b"s3://pictures/one", 7)
