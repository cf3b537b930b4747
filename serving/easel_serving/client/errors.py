"""What a server answered instead of a result."""

from easel_serving.protocol.errors import ServingError

RETRYABLE = ("RESOURCE_EXHAUSTED", "UNAVAILABLE")
"""A busy server (HTTP 429) and one that is starting, stopping or not there (503): another try may succeed."""

_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class RequestError(ServingError):
    """A request that failed.

    `code` is gRPC's canonical name, such as `INVALID_ARGUMENT`, whichever protocol was spoken; `retry_after` is how
    many seconds the server asked to be left alone.
    """

    def __init__(self, server: str, code: str, message: str, retry_after: float = 0.0):
        super().__init__(f"{server}: {message} ({code})")
        self.code = code
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in RETRYABLE


def code_of(status: int) -> str:
    """The canonical code of an HTTP status."""
    return _CODES.get(status, "UNKNOWN" if status >= 500 else "INVALID_ARGUMENT")
