"""The one exception type whose message is meant for the person at the terminal."""


class UserError(Exception):
    """Wrong input (a file, a key, a folder). The message is one line: what, which file or key, what to do."""
