"""A style network in one file: float16 numbers by name, as safetensors, which runs nothing when it is read."""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialised

from trainer.base.errors import UserError
from trainer.style.options import NetworkOptions

FORMAT = 1
"""Of the file; a newer one is refused."""
_HIGHEST = float(np.finfo(np.float16).max)


def save(path: Path, options: NetworkOptions, **networks: keras.Model) -> None:
    """Writes the weights of networks, each under its name, rounded to float16.

    Args:
      path: of the file.
      options: the size of the transformer, which is in the file, too.
      **networks: `transformer`, `features` and `head`, see `trainer.style.networks.networks`.

    Raises:
      ValueError: a weight is too large for float16.
    """
    arrays = {}
    for name, weight in _weights(networks):
        value = np.asarray(weight.value)
        if not np.all(np.abs(value) <= _HIGHEST):
            raise ValueError(f"{name}: too large for float16, or no number")
        arrays[name] = value.astype(np.float16)
    about = {"format": str(FORMAT), "network": options.model_dump_json()}
    path.write_bytes(serialised(arrays, metadata=about))


def network_options(path: Path) -> NetworkOptions:
    """The size of the transformer in a file.

    Raises:
      UserError: it cannot be read, or was written by a newer Easel.
    """
    with _opened(path) as file:
        about = file.metadata() or {}
    if not about.get("format", "").isdecimal() or "network" not in about:
        raise UserError(f"{path}: no style network that Easel wrote")
    if int(about["format"]) > FORMAT:
        raise UserError(f"{path}: format {about['format']} is newer than this Easel, which reads {FORMAT}; update it")
    return NetworkOptions.model_validate(json.loads(about["network"]))


def restore(path: Path, **networks: keras.Model) -> bool:
    """Gives networks the weights that `save` wrote, of those names.

    Returns:
      False when the file's are of other shapes: nothing was changed then.

    Raises:
      UserError: see `network_options`.
    """
    network_options(path)
    with _opened(path) as file:
        saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    wanted = dict(_weights(networks))
    theirs = {name: value for name, value in saved.items() if name.split("/")[0] in networks}
    if {name: value.shape for name, value in theirs.items()} != {n: tuple(w.shape) for n, w in wanted.items()}:
        return False
    for name, weight in wanted.items():
        weight.assign(theirs[name].astype(np.float32))
    return True


def _weights(networks: dict[str, keras.Model]) -> Iterator[tuple[str, keras.Variable]]:
    for name, network in networks.items():
        for weight in network.weights:
            yield f"{name}/{weight.path}", weight


def _opened(path: Path) -> safe_open:
    try:
        return safe_open(path, "numpy")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: not a file of weights ({' '.join(str(error).split())})") from error
