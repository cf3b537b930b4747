"""Photos in a bucket of S3, or of a store that speaks its protocol, by AWS' own client.

Beam's file system for S3 makes a client, and asks for an object's size, for each file that it opens: tens of
milliseconds of processor time for a photo that decodes in one. Who we are and where the store is say AWS' own files and
environment variables (`AWS_PROFILE`, `AWS_ENDPOINT_URL_S3`, ...), which the workers of a local session inherit.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

from trainer.base.errors import UserError

SCHEME = b"s3://"

_PAGE = 1000
_OF_THIS_THREAD = threading.local()


def entries(folder: str) -> Iterator[tuple[bytes, int, int]]:
    """Path, size and time of the last change (ns) of all objects below a folder, a thousand with each request.

    Raises:
        UserError: there is no such bucket, or it may not be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = _parts(folder.rstrip("/") + "/")
    try:
        pages = _client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": _PAGE}):
            for each in page.get("Contents", ()):
                if not each["Key"].endswith("/"):
                    changed = int(each["LastModified"].timestamp() * 1e9)
                    yield os.fsencode(f"s3://{bucket}/{each['Key']}"), each["Size"], changed
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{folder}: cannot be listed: {error}") from None


def read(path: str, max_bytes: int) -> bytes:
    """The content of an object, cut off behind `max_bytes`.

    Raises:
        FileNotFoundError: it is gone.
        OSError: the store refuses, or does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = _parts(path)
    try:
        return _client().get_object(Bucket=bucket, Key=key)["Body"].read(max_bytes)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "404"):
            raise FileNotFoundError(path) from None
        raise OSError(str(error)) from None
    except BotoCoreError as error:
        raise OSError(str(error)) from None


def _parts(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


def _client() -> Any:
    """This thread's client: making one takes longer than reading a photo, and sessions are not to be shared."""
    if not hasattr(_OF_THIS_THREAD, "client"):
        import boto3

        _OF_THIS_THREAD.client = boto3.session.Session().client("s3")
    return _OF_THIS_THREAD.client
