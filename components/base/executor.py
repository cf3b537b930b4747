"""What an executor is given."""

from typing import Any

from tfx import types

Artifacts = dict[str, list[types.Artifact]]
"""The artifacts of each input, or of each output, by its name."""
Parameters = dict[str, Any]
"""The values of a component's parameters."""
