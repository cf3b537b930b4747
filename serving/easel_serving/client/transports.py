"""Which transport an address asks for."""

import urllib.parse
from typing import Any

from easel_serving.client.options import Options
from easel_serving.protocol.errors import ServingError


def transport(server: str, options: Options, asynchronous: bool) -> Any:
    """The transport for `http://`, `https://`, `grpc://` or `grpcs://`; of `rest.Transport`'s methods.

    Raises:
        ServingError: another address, or the extra that it needs is not installed.
    """
    parts = urllib.parse.urlsplit(server)
    if parts.scheme not in ("http", "https", "grpc", "grpcs") or not parts.netloc:
        raise ServingError(f"{server}: give an address such as http://localhost:8501 or grpc://localhost:8500")
    if parts.scheme in ("http", "https"):
        try:
            from easel_serving.client import rest
        except ImportError as error:
            raise ServingError(f"{server}: REST needs easel-serving[client] ({error})") from None
        return (rest.AsyncRestTransport if asynchronous else rest.RestTransport)(server, options)
    try:
        from easel_serving.client import rpc
    except ImportError as error:
        raise ServingError(f"{server}: gRPC needs easel-serving[grpc] ({error})") from None
    return (rpc.AsyncGrpcTransport if asynchronous else rpc.GrpcTransport)(server, options)
