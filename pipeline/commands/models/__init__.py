"""`easel models`: what is pushed, and which version serves."""

from pipeline.commands.models import changing, reading
from pipeline.commands.models.group import models

__all__ = ["changing", "models", "reading"]
