"""The one exception type whose message is meant for the person who called."""


class ServingError(Exception):
    """The serving directory or the input is wrong. The message is one line: what, which file, what to do."""
