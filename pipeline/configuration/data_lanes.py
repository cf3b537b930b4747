"""The data lanes that a configuration comes to: their folders, their schemas, and the model lanes that use them."""

from pathlib import Path

from pipeline.configuration.config import Config

LAYOUTS = {"paintings": "flat"}
"""Data lanes whose folders inside the folder are no classes."""


def data_folders(config: Config) -> dict[str, str]:
    """The folder of each data lane; lanes that read the same photos share one."""
    folders = {}
    if config.classifier:
        folders["photos"] = config.classifier.photos
    if config.style:
        if config.style.photos != folders.get("photos"):
            folders["style-photos" if folders else "photos"] = config.style.photos
        folders["paintings"] = config.style.paintings
    return folders


def gated_parts(config: Config) -> dict[tuple[str, str], str]:
    """The data lane behind each folder of each model lane: `{("style", "photos"): "style-photos", ...}`."""
    folders = data_folders(config)
    parts = {("classifier", "photos"): "photos"} if config.classifier else {}
    if config.style:
        parts["style", "photos"] = "style-photos" if "style-photos" in folders else "photos"
        parts["style", "paintings"] = "paintings"
    return parts


def schema_files(config: Config) -> dict[str, str]:
    """The schema file of each data lane: the person's own, or the one that the first run proposes in the workspace."""
    own = {"paintings": config.style and config.style.paintings_schema}
    own["photos"] = (config.classifier and config.classifier.schema_file) or (
        config.style and config.style.photos_schema
    )
    own["style-photos"] = config.style and config.style.photos_schema
    proposed = config.workspace / "schemas"
    return {lane: str(own[lane] or proposed / f"{lane}.pbtxt") for lane in data_folders(config)}


def base_schema(lane: str) -> Path:
    """The curated schema that a data lane's proposal starts from."""
    kind = "paintings" if lane == "paintings" else "photos"
    return Path(__file__).parents[2] / "data" / "schemas" / f"{kind}.pbtxt"
