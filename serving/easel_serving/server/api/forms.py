"""What a form must be before it is parsed."""

from starlette.formparsers import parse_options_header

from easel_serving.protocol.status import invalid

_CHARSETS = (b"utf-8", b"utf8", b"us-ascii")


def require(content_type: str) -> None:
    """Raises INVALID_ARGUMENT for what is no multipart form in UTF-8.

    The parser takes a charset for the name of any decoder of Python's; some take very long, or make what is no text.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise invalid("send multipart/form-data")
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise invalid("send multipart/form-data in UTF-8")
