"""What the style network's training, its TFLite files and a large print cost, each against a yardstick in the same run.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_speed latency SERVING
    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_speed step
    EASEL_ASSETS=FOLDER python -m tests.benchmarks.style_speed print SERVING [--side 2048]

latency  medians of the pushed TFLite files at two threads in turn with Magenta's int8 ones, and the pushed sizes
step     a training step (drawing, network, losses, optimizer, average) against VGG19 forward and backward alone
print    a square photo of that side, painted in tiles: seconds, peak memory, PSNR against the network called once
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from easel_serving.local import LocalModels
from easel_serving.painting import files, styles, tiles

from tests.benchmarks.style_peers import serving_version
from trainer.style.input import pools
from trainer.style.networks import networks
from trainer.style.options import NetworkOptions, StyleTrainOptions
from trainer.style.perceptual import losses
from trainer.style.perceptual.network import CONTENT_LAYER, Perceptual
from trainer.style.training.learner import Learner
from trainer.tflite.likeness import squared_error
from trainer.training import devices, precision

FRAME = 256


def timed(calls: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median seconds of each call; they take turns, so that a noisy moment meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(turns):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return {name: median(values) for name, values in seconds.items()}


def interpreted(file: Path, side: int | None = None) -> Callable[[], object]:
    """A call of a TFLite model on noise; `side` changes that of its square images."""
    model = Interpreter(str(file), num_threads=2)
    if side is not None:
        for tensor in model.get_input_details():
            if len(tensor["shape"]) == 4 and tensor["shape"][1] > 1:
                model.resize_tensor_input(tensor["index"], [1, side, side, 3])
    model.allocate_tensors()
    rng = np.random.default_rng(0)
    for tensor in model.get_input_details():
        high = 255 if tensor["dtype"] == np.uint8 else 1
        model.set_tensor(tensor["index"], rng.uniform(0, high, tensor["shape"]).astype(tensor["dtype"]))
    return model.invoke


def latency(assets: Path, serving: Path) -> None:
    """Prints a line for each file."""
    folder, peer = serving_version(serving).manifest_dir / "tflite", assets / "peers/magenta_int8"
    calls = {
        "Magenta int8 transformer": interpreted(peer / "transfer.tflite"),
        "Magenta int8 predictor": interpreted(peer / "prediction.tflite"),
    }
    for file in sorted(folder.glob("*.tflite")):
        calls[file.stem] = interpreted(file)
    calls[f"transformer.float16 at {FRAME} px"] = interpreted(folder / "transformer.float16.tflite", FRAME)
    found = timed(calls, 15)
    for name, seconds in found.items():
        part = "transformer" if "transformer" in name else "predictor"
        print(
            f"{name:32s} {seconds * 1000:7.1f} ms  {1 / seconds:6.1f} /s  "
            f"{seconds / found[f'Magenta int8 {part}']:.2f} x"
        )
    size = sum((folder / f"{part}.float16.tflite").stat().st_size for part in ("predictor", "transformer"))
    print(f"both parts, float16: {size / 1e6:.2f} MB")


def step(assets: Path) -> None:
    """Prints the ratio of a training step to VGG19's part of it, on noise."""
    number = precision.choose("auto", precision.cpu_flags(), devices.prepare(), dense=True)
    options, rng = StyleTrainOptions().settled(warm=False), np.random.default_rng(0)
    perceptual = Perceptual(str(assets / "weights/vgg19_imagenet_notop_hybrid.h5"), "reflect", number)
    features = networks.style_features(str(assets / "weights/mobilenet_v2_1.0_224_notop_dequant_qat.h5"))
    encode = tf.function(lambda images: features(tf.image.resize(images, [networks.STYLE_SIDE] * 2), training=False))
    noise = pools.Images(rng.integers(0, 256, (8, 384, 384, 3), np.uint8), [str(i) for i in range(8)])
    photos = pools.photo_pool(noise, options.crop, 8, perceptual, encode, rng)
    paintings = pools.painting_pool(noise, 1, perceptual, encode, rng, with_gram=False)
    with devices.computing_in(number):
        transformer = networks.transformer(NetworkOptions())
        head = networks.code_head(features.output.shape[-1], NetworkOptions())
    learner = Learner(transformer, head, perceptual, photos, paintings, options, 0)
    painted = tf.Variable(rng.uniform(0, 255, (options.batch_size, options.crop, options.crop, 3)).astype(np.float32))
    content = tf.constant(photos.content[: options.batch_size], tf.float32)
    moments = {name: tuple(part[: options.batch_size] for part in pair) for name, pair in paintings.moments.items()}

    @tf.function
    def bare() -> tf.Tensor:
        with tf.GradientTape() as tape:
            found = perceptual(painted)
            loss = tf.reduce_mean(
                losses.content_distance(found[CONTENT_LAYER], content)
                + losses.style_distance(losses.moments(found), moments)
            )
        return tape.gradient(loss, painted)

    last = options.reproduction_steps + options.steps - 1
    found = timed({"step": lambda: learner.step(last), "bare": lambda: bare().numpy()}, 15)
    print(
        f"training step {found['step']:.3f} s, VGG19 forward and backward alone {found['bare']:.3f} s "
        f"({number}): {found['step'] / found['bare']:.2f} x"
    )


def large(assets: Path, serving: Path, side: int) -> None:
    """Prints time, memory and how far the tiles are from one call of the network."""
    engine = LocalModels(serving).engine()
    photo = files.read(min((assets / "photos/kodak").glob("*.png"))).pixels
    smaller = min(photo.shape[:2])
    square = tf.image.resize(photo[:smaller, :smaller], [side, side], "bicubic").numpy().clip(0, 255).astype(np.uint8)
    code = styles.code(engine, [styles.parse(str(min((assets / "paintings").glob("*.jpg"))))])

    def paint() -> np.ndarray:
        return tiles.assembled(engine.part_painter(square, code, 1.0), side, side)

    painted = paint()
    begin = time.perf_counter()
    painted = paint()
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    whole = engine.part_painter(square, code, 1.0)((slice(0, side), slice(0, side)))
    psnr = 10 * np.log10(255**2 / max(squared_error(whole, painted), 1e-12))
    print(
        f"{side} x {side}: {seconds:.1f} s, peak memory of the process {peak:.2f} GiB, {psnr:.1f} dB against one call"
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "step", "print"])
    parser.add_argument("serving", type=Path, nargs="?")
    parser.add_argument("--side", type=int, default=2048)
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    if given.what == "step":
        step(assets)
    elif given.serving is None:
        parser.error(f"{given.what} needs SERVING")
    elif given.what == "latency":
        latency(assets, given.serving)
    else:
        large(assets, given.serving, given.side)


if __name__ == "__main__":
    main()
