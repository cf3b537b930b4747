"""A style network in one file, see `trainer.networks.float16_file`."""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from trainer.networks import float16_file
from trainer.style.options import NetworkOptions

FORMAT = 1
"""Of the file; a newer one is refused."""


def save(path: Path, options: NetworkOptions, **networks: keras.Model) -> None:
    """Writes the weights of networks, each under its name, rounded to float16.

    Args:
      path: of the file.
      options: the size of the transformer, which is in the file, too.
      **networks: `transformer`, `features` and `head`, see `trainer.style.networks.networks`.

    Raises:
      ValueError: a weight is too large for float16.
    """
    arrays = {name: np.asarray(weight.value) for name, weight in _weights(networks)}
    float16_file.save(path, FORMAT, arrays, {"network": options.model_dump_json()})


def network_options(path: Path) -> NetworkOptions:
    """The size of the transformer in a file.

    Raises:
      UserError: it cannot be read, or was written by a newer Easel.
    """
    return NetworkOptions.model_validate(json.loads(float16_file.about(path, FORMAT, "network", "style network")))


def restore(path: Path, **networks: keras.Model) -> bool:
    """Gives networks the weights that `save` wrote, of those names.

    Returns:
      False when the file's are of other shapes: nothing was changed then.

    Raises:
      UserError: see `network_options`.
    """
    network_options(path)
    saved = float16_file.arrays(path)
    wanted = dict(_weights(networks))
    theirs = {name: value for name, value in saved.items() if name.split("/")[0] in networks}
    if {name: value.shape for name, value in theirs.items()} != {n: tuple(w.shape) for n, w in wanted.items()}:
        return False
    for name, weight in wanted.items():
        weight.assign(theirs[name])
    return True


def _weights(networks: dict[str, keras.Model]) -> Iterator[tuple[str, keras.Variable]]:
    for name, network in networks.items():
        for weight in network.weights:
            yield f"{name}/{weight.path}", weight
