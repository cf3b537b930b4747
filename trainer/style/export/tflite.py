"""The style lane's side of the TFLite export: what its two parts are calibrated and compared on."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.images import decoding, resizing
from trainer.style.export.saved_model import PREDICTOR, TRANSFORMER, TRANSFORMER_SIDE
from trainer.style.networks.networks import STYLE_SIDE
from trainer.tflite.contract import Judgement, Measurement, Part, Sample, Tensors
from trainer.tflite.likeness import judge_psnr, squared_error
from trainer.tflite.options import StyleTFLiteOptions

OPTIONS = StyleTFLiteOptions

# What int8 leaves in floating point. Rounding the transformer's norms to eight bits at each step costs 16 dB; for the
# square roots of pooled deviations TFLite has no integers at all.
_NORM = ("MEAN", "SQUARED_DIFFERENCE", "SUB", "NEG", "RSQRT", "MUL", "ADD")
_POOLED = (*_NORM, "SQUARE", "SQRT", "CONCATENATION")


def parts(model_dir: Path, options: StyleTFLiteOptions) -> list[Part]:
    """`predictor` and `transformer`, as `trainer.style.export.saved_model.save_parts` wrote them.

    Both are compared by pictures: a predictor's code is judged by what the transformer paints with it, as no bound on
    numbers of a code says what can be seen.
    """
    codes = {
        style["name"]: np.array([style["code"]], np.float32)
        for style in json.loads((model_dir / "model.json").read_text(encoding="utf-8"))["styles"]
    }
    reference = tf.saved_model.load(str(model_dir / "tflite" / TRANSFORMER))
    probe: list[np.ndarray] = []

    def painted(code: np.ndarray) -> np.ndarray:
        signature = reference.signatures["serving_default"]
        return signature(content=tf.constant(probe[0]), style_code=tf.constant(code, tf.float32))["stylized"].numpy()

    def paintings(records: Iterable[bytes]) -> Iterator[Sample]:
        """Each painting once; the first pair's photo is what they are tried on."""
        seen = set()
        for content, style, name in _pairs(records):
            if not probe:
                probe.append(_square(content, TRANSFORMER_SIDE))
            if name not in seen:
                seen.add(name)
                yield Sample({"style": _square(style, STYLE_SIDE)}, group=name)

    def photos(records: Iterable[bytes]) -> Iterator[Sample]:
        for content, _, name in _pairs(records):
            if name in codes:
                yield Sample({"content": _square(content, TRANSFORMER_SIDE), "style_code": codes[name]}, group=name)

    def compare_codes(sample: Sample, expected: Tensors, got: Tensors) -> dict[str, float]:
        return {"squared_error": squared_error(painted(expected["style_code"]), painted(got["style_code"]))}

    def compare_pictures(sample: Sample, expected: Tensors, got: Tensors) -> dict[str, float]:
        return {"squared_error": squared_error(expected["stylized"], got["stylized"])}

    def judge(variant: str, measurements: Sequence[Measurement]) -> Judgement:
        return judge_psnr(measurements, getattr(options.min_psnr, variant))

    folder = model_dir / "tflite"
    return [
        Part(
            PREDICTOR, folder / PREDICTOR, paintings, compare_codes, judge, images=("style",), float_operations=_POOLED
        ),
        Part(
            TRANSFORMER,
            folder / TRANSFORMER,
            photos,
            compare_pictures,
            judge,
            images=("content", "stylized"),
            float_operations=_NORM,
        ),
    ]


def _pairs(records: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, str]]:
    for record in records:
        feature = tf.train.Example.FromString(record).features.feature
        content, style, name = (
            feature[key].bytes_list.value[0] for key in ("content_bytes", "style_bytes", "painting")
        )
        yield content, style, name.decode()


def _square(data: bytes, side: int) -> np.ndarray:
    """The central square of a file's image; float32 [1, side, side, 3], whole numbers 0..255."""
    pixels = resizing.resize(decoding.decode(tf.constant(data)), side, side, "crop")
    return pixels.numpy()[np.newaxis].astype(np.float32)
