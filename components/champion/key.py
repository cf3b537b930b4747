"""What the champion is, in one string: the part of the cache key that TFX cannot see."""

from easel_serving.registry.directory import Directory


def champion_key(serving_dir: str, model_name: str) -> str:
    """The number and content digest of the stable version; "" when nothing serves (or its folder was lost)."""
    stable = Directory(serving_dir).stable(model_name)
    return f"{stable.number}:{stable.digest}" if stable else ""
