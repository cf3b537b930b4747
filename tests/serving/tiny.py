"""Two small models with the contract's signatures, in a serving directory.

    python -m tests.serving.tiny DIRECTORY

writes the directory that the contract table wants to find in a real TensorFlow Serving (test_contract.py says how).
"""

import sys
from pathlib import Path

import tensorflow as tf
from easel_serving.registry.registry import Registry

STRINGS = tf.TensorSpec([None], tf.string)
FLOATS = tf.TensorSpec([None], tf.float32)


class Colours(tf.Module):
    """Red or blue, by the mean colour."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, image_bytes):
        def one(data):
            mean = tf.reduce_mean(tf.cast(tf.io.decode_image(data, 3, expand_animations=False), tf.float32), (0, 1))
            return tf.stack([mean[2], mean[0]]) / 255.0

        scores = tf.map_fn(one, image_bytes, fn_output_signature=tf.float32)
        classes = tf.tile(tf.constant([["blue", "red"]]), [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores, "label": tf.gather(["blue", "red"], tf.argmax(scores, 1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        parsed = tf.io.parse_example(inputs, {"image/encoded": tf.io.FixedLenFeature([], tf.string)})
        served = self.serve(parsed["image/encoded"])
        return {"classes": served["classes"], "scores": served["scores"]}


class Echo(tf.Module):
    """Shows what it was given."""

    @tf.function(input_signature=[STRINGS, STRINGS, FLOATS])
    def serve(self, content_bytes, style_bytes, strength):
        return {
            "stylized_bytes": tf.strings.join(
                [content_bytes, style_bytes, tf.strings.as_string(strength, shortest=True)], "|"
            )
        }

    @tf.function(input_signature=[STRINGS, STRINGS, FLOATS])
    def named(self, content_bytes, style_name, strength):
        del strength
        return {"stylized_bytes": tf.strings.join([content_bytes, style_name], "|")}

    @tf.function(input_signature=[STRINGS])
    def encode(self, style_bytes):
        lengths = tf.cast(tf.strings.length(style_bytes), tf.float32)
        return {"style_code": tf.stack([lengths, 0.1 * lengths], axis=1)}

    @tf.function(input_signature=[STRINGS, tf.TensorSpec([None, 2], tf.float32, name="style_code")])
    def code(self, content_bytes, style_code):
        return {
            "stylized_bytes": tf.strings.join(
                [content_bytes, tf.strings.as_string(style_code[:, 0], shortest=True)], "|"
            )
        }


def save(root: Path) -> None:
    """Writes the SavedModels `colours` and `echo`, and `styles/styles.json`."""
    colours, echo = Colours(), Echo()
    tf.saved_model.save(
        colours, str(root / "colours"), signatures={"serving_default": colours.serve, "classify": colours.classify}
    )
    tf.saved_model.save(
        echo,
        str(root / "echo"),
        signatures={
            "serving_default": echo.serve,
            "stylize_named": echo.named,
            "encode_style": echo.encode,
            "stylize": echo.code,
        },
    )
    (root / "styles").mkdir()
    (root / "styles/styles.json").write_text('[{"name": "Great-Wave"}, {"name": "starry-night"}]')


def push(root: Path, serving: Path) -> Path:
    """Makes a serving directory with `photos` and `painter` of what `save` wrote; returns it."""
    registry = Registry(serving)
    registry.push("photos", root / "colours", {"kind": "classifier"})
    registry.push("painter", root / "echo", {"kind": "style"}, attachments=root / "styles")
    return registry.root


if __name__ == "__main__":
    target = Path(sys.argv[1])
    save(target / ".models")
    push(target / ".models", target)
