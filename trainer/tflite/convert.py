"""SavedModel -> TFLite, in four variants.

`float32` is the graph as it is; `float16` stores weights in half precision; `dynamic` stores weights as int8 and
computes in float where it must; `int8` is integer throughout, save for what a lane excepts (Jacob et al. 2018,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", sections 2 and 3), with
ranges from real examples.
"""

import functools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import tensorflow as tf

from trainer.tflite import bias, integer
from trainer.tflite.contract import SIGNATURE, Tensors
from trainer.tflite.options import Variant


def convert(
    saved_model: Path,
    variant: Variant,
    representative: Callable[[], Iterable[Tensors]],
    *,
    images: Sequence[str] = (),
    quantised: Sequence[str] = (),
    float_operations: Sequence[str] = (),
    bias_examples: int = 0,
) -> bytes:
    """Converts the signature `serving_default` of a SavedModel; the names of its inputs and outputs are kept.

    Args:
        saved_model: folder; the signature has fixed shapes and float32 tensors.
        variant: which one.
        representative: gives the calibration inputs afresh at each call; only int8 asks.
        images: inputs and outputs that are pixels; int8 has them as uint8, 0..255 as they are (scale 1, zero point 0).
        quantised: other inputs and outputs that int8 has as uint8, with the scale that calibration found.
        float_operations: of TFLite, such as MEAN, that int8 leaves in floating point.
        bias_examples: on about how many calibration inputs, evenly spread, int8's biases are corrected; 0 is none.

    Returns:
        The TFLite file's content.

    Raises:
        trainer.tflite.integer.NotInteger: int8 could not be made of integer operations and those exceptions alone.
        Exception: whatever TensorFlow's converter raises for an operation that it cannot convert.
    """
    flat = _flat(saved_model).name
    converter = tf.lite.TFLiteConverter.from_saved_model(flat, signature_keys=[SIGNATURE])
    if variant != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if variant == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: (dict(inputs) for inputs in representative())
    content = _mixed(converter, float_operations) if variant == "int8" and float_operations else converter.convert()
    if variant != "int8":
        return content
    if bias_examples:
        original = tf.lite.TFLiteConverter.from_saved_model(flat, signature_keys=[SIGNATURE]).convert()
        inputs = list(representative())
        # Neighbours may be of one class.
        content = bias.corrected(content, original, inputs[:: max(1, len(inputs) // bias_examples)])
    return integer.with_integer_interface(content, images, quantised, float_operations)


def _mixed(converter: tf.lite.TFLiteConverter, float_operations: Sequence[str]) -> bytes:
    """What TensorFlow calls selective quantisation; its debugger is the one public way to it."""
    converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=converter.representative_dataset,
        debug_options=tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(float_operations)),
    )
    return debugger.get_nondebug_quantized_model()


@functools.lru_cache(maxsize=1)
def _flat(saved_model: Path) -> tempfile.TemporaryDirectory:
    """The signature saved again with its variables right under the root of the saved object; kept for the next variant.

    Where a Keras 3 model holds them, TensorFlow 2.16's converter loses the value of some and aborts the process
    ("ReadVariableOp: missing attribute 'value'").
    """
    folder = tempfile.TemporaryDirectory()
    loaded = tf.saved_model.load(str(saved_model))
    signature = loaded.signatures[SIGNATURE]
    module = tf.Module()
    module.kept = [*signature.variables]
    tf.saved_model.save(module, folder.name, {SIGNATURE: signature})
    return folder
