"""The section `on` of the configuration: commands that hear what a run came to."""

from pydantic import Field

from trainer.base.options import Options


class HookOptions(Options):
    """Shell commands that are run at the end of a run, with the run's JSON document on their standard input.

    Each is run once, in the current folder, when any model came to that end. One that fails or takes too long is a
    warning: it changes neither the outcome nor the exit code.
    """

    pushed: str | None = Field(default=None, min_length=1)
    """When a new version was pushed."""
    rejected: str | None = Field(default=None, min_length=1)
    """When a candidate was not approved."""
    stopped: str | None = Field(default=None, min_length=1)
    """When data validation stopped a lane."""
    failed: str | None = Field(default=None, min_length=1)
    """When a component failed, or the run as a whole: the document then has `error`, and perhaps no `models`."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds that a command may take; then it is killed with all that it started."""
