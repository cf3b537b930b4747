"""The arguments of Apache Beam: whatever runner the configuration names."""

from collections.abc import Sequence

LOCAL_BEAM = (
    # Beam's default local runner starts Prism on the current stack, which is slow and flaky.
    "--direct_running_mode=in_memory",
    # Without a flag that says where workers find their dependencies, TFX packs itself into an sdist before each of its
    # dozen Beam jobs, for seconds of work and 20 MB each. The direct runner's workers are threads and read no image.
    "--sdk_container_image=unused-by-the-direct-runner",
)
"""Beam's arguments unless the configuration names another runner."""


def beam_arguments(given: Sequence[str]) -> list[str]:
    """The configuration's `beam_args`, after what the local runner needs when no other runner is named there."""
    local = not any(argument.startswith("--runner") and "Direct" not in argument for argument in given)
    return [*(LOCAL_BEAM if local else ()), *given]
