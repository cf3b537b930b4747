"""Makes up for an announcement that failed: a running TensorFlow Serving is told what the serving directory says."""

import dataclasses

from easel_serving.protocol.errors import ServingError

from pipeline.configuration.config import Config
from pipeline.history.result import RunResult


def make_up(config: Config, result: RunResult) -> RunResult:
    """Tells the server of `serving_address` after a run in which nothing was pushed, and so nobody told it.

    It may have been away when a version was pushed, or have been started anew since.

    Returns:
        The result, with a warning when the server could not follow.
    """
    if not config.serving_address or any(model.outcome == "pushed" for model in result.models):
        return result
    if not config.serving.is_dir():
        return result
    from easel_serving.registry.model_service import Tls
    from easel_serving.registry.remote import Remote

    try:
        Remote(config.serving_address, tls=Tls(**config.serving_tls.model_dump())).announce(config.serving)
    except ServingError as error:
        if not any(str(error) in model.warnings for model in result.models):
            return dataclasses.replace(result, warnings=(*result.warnings, str(error)))
    return result
