"""TensorFlow Serving's errors: a canonical code and a message, as HTTP and as gRPC.

HTTP codes: `ToHTTPStatusCode` in tensorflow_serving/model_servers/http_server.cc.
"""

_HTTP = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}


class StatusError(Exception):
    """A request that failed; `code` is a canonical name such as `INVALID_ARGUMENT`.

    `http` is given where HTTP has a better status than the code's own.
    """

    def __init__(self, code: str, message: str, http: int | None = None):
        super().__init__(message)
        self.code = code
        self._http = http

    @property
    def http(self) -> int:
        """The HTTP status."""
        return self._http or _HTTP[self.code]

    def __str__(self) -> str:
        return self.args[0]

    def full(self) -> str:
        """`CODE: message`, as TensorFlow Serving quotes one status inside another."""
        return f"{self.code}: {self}"


def invalid(message: str) -> StatusError:
    """An INVALID_ARGUMENT, by far the most frequent."""
    return StatusError("INVALID_ARGUMENT", message)


def known(code: str) -> str:
    """A canonical code that has an HTTP status here; UNKNOWN for another."""
    return code if code in _HTTP else "UNKNOWN"
