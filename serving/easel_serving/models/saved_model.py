"""A SavedModel in this process, loaded as TensorFlow Serving loads it: into a session.

`tf.saved_model.load` first makes Python functions of all that is in the file, which takes twice as long, and hands
every variable over in every call.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from easel_serving.protocol.plain_paths import plain


@contextlib.contextmanager
def _without_keras() -> Iterator[None]:
    """TensorFlow imports Keras if it can, and Keras whatever draws and fits: two fifths of the time, for no graph."""
    hidden = [name for name in ("keras.src", "tf_keras.src") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # None: what imports it is told that it is not there
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _without_keras():
    import tensorflow as tf

# TensorFlow remarks that it has a newer way to load, on which see above.
tf.get_logger().addFilter(lambda record: "saved_model.loader_impl" not in record.getMessage())


class SavedModel:
    """The signatures of a SavedModel, to be called by several threads at once.

    Raises:
        Exception: TensorFlow's, when the folder cannot be loaded.
    """

    def __init__(self, folder: Path):
        graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            with graph.as_default():
                loaded = tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], plain(folder))
        except BaseException:
            self.close()
            raise
        self.signature_defs: dict[str, Any] = {
            name: definition for name, definition in loaded.signature_def.items() if not name.startswith("__")
        }
        self._calls = {name: self._callable(definition) for name, definition in self.signature_defs.items()}

    def __call__(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a signature for exactly its inputs; raises TensorFlow's errors, ValueError or TypeError."""
        return self._calls[signature](*(inputs[name] for name in sorted(self.signature_defs[signature].inputs)))

    def inputs(self, signature: str) -> dict[str, "np.dtype[Any]"]:
        """`{input: dtype}`, strings as objects."""
        infos = self.signature_defs[signature].inputs
        return {name: np.dtype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype) for name, info in infos.items()}

    def close(self) -> None:
        """Frees the variables."""
        self._session.close()

    def _callable(self, definition: Any) -> Any:
        fetches = {name: info.name for name, info in definition.outputs.items()}
        return self._session.make_callable(
            fetches, [definition.inputs[name].name for name in sorted(definition.inputs)]
        )
