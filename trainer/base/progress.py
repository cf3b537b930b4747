"""Progress as log records: whoever runs the pipeline may show them, and on a remote worker they are plain log lines."""

import logging

LOGGER = logging.getLogger("easel.progress")


def report(**values: float | int | str) -> None:
    """Reports the counts that matter now, such as `step=10, steps=400, loss=1.2` or `seen=500, rejected=3`.

    The record carries the values as `record.progress`, so that a view need not parse the message.
    """
    LOGGER.info(" ".join(f"{key}={value}" for key, value in values.items()), extra={"progress": values})
