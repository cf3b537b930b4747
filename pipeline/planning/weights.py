"""Whether the weights for ImageNet that a configuration asks for can be had: asked before hours of other work are done.

Nothing here imports Keras, which takes seconds: where it looks for weights is read from its source.
"""

import ast
import importlib.util
import os
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.configuration.config import Config
from pipeline.planning import warm_start
from trainer.networks.backbone_table import Backbone, find

_SECONDS = 5.0
"""How long the server may take to answer."""
_ADVICE = {
    "classifier": "without a network `backbone: {name: small_cnn, weights: none}` learns from your photos alone",
    "style": "`weights: none` is random, for a demonstration only",
}


def needed(config: Config) -> dict[str, Backbone]:
    """The backbones whose published weights the configuration asks for, by the key that does."""
    asked = {}
    if config.classifier:
        asked["classifier.backbone.weights"] = config.classifier.backbone.weights, config.classifier.backbone.name
    if config.style:
        asked["style.perceptual.weights"] = config.style.perceptual.weights, "VGG19"
        if not warm_start.style_is_warm(config):
            asked["style.encoder.weights"] = config.style.encoder.weights, "MobileNetV2"
    return {key: find(name) for key, (weights, name) in asked.items() if weights == "imagenet"}


def missing(config: Config) -> list[str]:
    """A line for each key whose weights are neither in Keras' cache nor to be downloaded."""
    wanted = needed(config)
    with ThreadPoolExecutor() as pool:
        asked = {backbone.name: backbone for backbone in wanted.values()}
        answers = dict(zip(asked, pool.map(fault, asked.values()), strict=True))
    found = {key: answers[backbone.name] for key, backbone in wanted.items()}
    return [f"{key}: imagenet: {fault}; {_ADVICE[key.split('.')[0]]}" for key, fault in found.items() if fault]


def cache() -> Path:
    """Where Keras keeps what it downloads, by its own rule (`keras.config.keras_home`, `keras.utils.get_file`)."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    home = os.path.expanduser(home)
    existing = home if os.path.exists(home) else os.path.dirname(os.path.abspath(home))
    if not os.access(existing, os.W_OK):
        home = os.path.join("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir(), ".keras")
    return Path(home, "models")


def address(backbone: Backbone) -> str:
    """Where Keras downloads the published weights of a backbone from: what its source says."""
    module, file = backbone.published
    package = importlib.util.find_spec("keras").submodule_search_locations[0]
    tree = ast.parse(Path(package, "src", "applications", f"{module}.py").read_text("utf-8"))
    constants = [node.value.value for node in tree.body if isinstance(node, ast.Assign) and _is_text(node.value)]
    addresses = [text for text in constants if "://" in text]
    whole = next((text for text in addresses if text.endswith(f"/{file}")), None)
    return whole or next(text for text in addresses if text.endswith("/")) + file


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def fault(backbone: Backbone) -> str:
    """Why the weights of a backbone cannot be had; empty where they can."""
    path = cache() / backbone.published[1]
    if path.is_file():
        damaged = f"{path} is damaged, as after a download that was cut off: delete it, and Keras downloads it again"
        return "" if _whole(path) else damaged
    why = _unreachable(address(backbone))
    return why and (
        f"{path.name} is not in Keras' cache, and cannot be downloaded from {address(backbone)} ({why}): put it into"
        f" {path.parent}, or name the file that you have (weights: PATH)"
    )


def _whole(path: Path) -> bool:
    """Whether a file ends where it should."""
    import h5py  # a tenth of a second that nobody without published weights need wait for

    try:
        h5py.File(path).close()
    except OSError:
        return False
    return True


def _unreachable(where: str) -> str:
    """Why a file cannot be downloaded; empty where it can."""
    try:
        with urllib.request.urlopen(urllib.request.Request(where, method="HEAD"), timeout=_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"the server says {error.code} {error.reason}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"no answer within {_SECONDS:.0f} seconds"
        return (isinstance(reason, OSError) and reason.strerror) or str(reason)
