"""The versions that serve, used in this process.

LocalModels("easel-workspace/serving").classify(["photo.jpg"])
"""

from easel_serving.local.models import LocalModels

__all__ = ["LocalModels"]
