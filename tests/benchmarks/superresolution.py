"""The networks that enlarge pictures against bicubic interpolation, and what large prints cost.

    EASEL_ASSETS=FOLDER python -m tests.benchmarks.superresolution likeness   # PSNR and SSIM on Kodak's photos
    EASEL_ASSETS=FOLDER python -m tests.benchmarks.superresolution enlarge    # 1024 x 1024 -> 2048 x 2048 pixels
    EASEL_ASSETS=FOLDER python -m tests.benchmarks.superresolution print [--paper 50x70cm | --size 2048]

Each line is JSON. likeness  reduces with Pillow's bicubic filter, as MATLAB's, and compares luminances after BT.601
without a margin of as many pixels as the factor; `colours` is the PSNR of red, green and blue with the colours
interpolated, and with each of them enlarged by the network, on Kodak and on paintings.
print  paints a photo by `easel stylize` in a process of its own: seconds from start to end, and its peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from easel_serving import shipped
from easel_serving.images import prepare
from easel_serving.models.tflite.enlarger import Enlarger
from easel_serving.painting import enlarging
from PIL import Image

from data.pretraining import provenance

_LUMINANCE = np.array([65.481, 128.553, 24.966]) / 255
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def luminance(image: np.ndarray) -> np.ndarray:
    """BT.601's, 16..235, of uint8 [H, W, 3]; float64 [H, W]."""
    return 16 + image.astype(np.float64) @ _LUMINANCE


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of levels 0..255."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float64) - other) ** 2)))


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004) with its Gaussian window of 11 pixels; float64 [H, W] each."""

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

    a, b = mean(one), mean(other)
    variances = mean(one * one) - a * a, mean(other * other) - b * b
    together = mean(one * other) - a * b
    return float(np.mean((2 * a * b + _C1) * (2 * together + _C2) / ((a * a + b * b + _C1) * (sum(variances) + _C2))))


def pairs(paths: list[Path], factor: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images whose sides are multiples of the factor, and their reductions; uint8 [H, W, 3]."""
    for path in paths:
        image = prepare.pixels(path.read_bytes(), str(path))
        height, width = (size // factor * factor for size in image.shape[:2])
        large = np.ascontiguousarray(image[:height, :width])
        small = Image.fromarray(large).resize((width // factor, height // factor), Image.BICUBIC)
        yield large, np.asarray(small)


def likeness(assets: Path) -> None:
    """Prints a line for each factor."""
    kodak = sorted((assets / "photos/kodak").glob("*.png"))
    paintings = sorted((assets / "paintings").glob("*.jpg"))
    for factor, path in shipped.enlargers().items():
        network = Enlarger(path)
        found: dict[str, list[tuple[float, float]]] = {"bicubic": [], "network": []}
        for large, small in pairs(kodak, factor):
            height, width = large.shape[:2]
            made = {
                "bicubic": np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC)),
                "network": enlarging.enlarged(small, factor, network),
            }
            inner = slice(factor, -factor)
            for name, image in made.items():
                one, other = (luminance(each)[inner, inner] for each in (large, image))
                found[name].append((psnr(one, other), ssim(one, other)))
        line = {"factor": factor, "photos": len(kodak)}
        for name, values in found.items():
            line[name] = dict(zip(("psnr", "ssim"), np.round(np.mean(values, axis=0), 4).tolist(), strict=True))
        line["gain_db"] = round(line["network"]["psnr"] - line["bicubic"]["psnr"], 3)
        worst = min(b[0] - a[0] for a, b in zip(*found.values(), strict=True))
        line["colours"] = {
            "kodak": colours(kodak[::3], factor, network),
            "paintings": colours(paintings[::3], factor, network),
        }
        print(json.dumps({**line, "least_gain_db": round(worst, 3)}), flush=True)


def colours(paths: list[Path], factor: int, network: enlarging.Network) -> dict[str, float]:
    """Mean PSNR of all three channels, with interpolated colours and with each channel by the network."""
    found = []
    for large, small in pairs(paths, factor):
        grey = [np.repeat(small[..., channel, None], 3, 2) for channel in range(3)]
        each = np.stack([enlarging.enlarged(image, factor, network)[..., 0] for image in grey], -1)
        found.append((psnr(large, enlarging.enlarged(small, factor, network)), psnr(large, each)))
    return dict(zip(("interpolated", "by_network"), np.round(np.mean(found, axis=0), 3).tolist(), strict=True))


def enlarge(assets: Path) -> None:
    """Prints seconds of 1024 x 1024 -> 2048 x 2048 pixels, the median of five."""
    photo = prepare.pixels(max((assets / "photos/unsplash_1280").glob("*.jpg")).read_bytes())
    square = cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_AREA)
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        enlarging.super_resolution()(square, 2048, 2048)
        seconds.append(time.perf_counter() - begin)
    said = f"1024 x 1024 to 2048 x 2048 pixels: {median(seconds[1:]):.2f} s on {provenance.processor()}."
    print(json.dumps({"said": said, "first": round(seconds[0], 2)}), flush=True)


def printed(assets: Path, paper: str | None, size: int) -> None:
    """Prints seconds and memory of a print."""
    photo = max((assets / "photos/unsplash_1280").glob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        content = photo
        if paper is None:
            content = Path(folder, "square.png")
            image = Image.open(photo)
            side = min(image.size)
            image.crop((0, 0, side, side)).resize((1024, 1024), Image.LANCZOS).save(content)
        asked = ["--print", paper, "--dpi", "300"] if paper else ["--size", str(size)]
        command = [sys.executable, "-m", "pipeline.cli", "stylize", "--serving", folder, "--content", str(content)]
        output = Path(folder, "print.jpg")
        begin = time.perf_counter()
        subprocess.run([*command, "--style", "hokusai-great-wave", *asked, "-o", str(output)], check=True)
        seconds = time.perf_counter() - begin
        Image.MAX_IMAGE_PIXELS = None
        width, height = Image.open(output).size
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    said = f"A print of {width} x {height} pixels, from `easel` to the file: {seconds:.1f} s, {gib:.2f} GiB at most."
    print(json.dumps({"said": said}), flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["likeness", "enlarge", "print"])
    parser.add_argument("--paper", help="such as 50x70cm")
    parser.add_argument("--size", type=int, default=2048, help="of a square print [default: %(default)s]")
    given = parser.parse_args()
    assets = Path(os.environ["EASEL_ASSETS"])
    if given.what == "print":
        printed(assets, given.paper, given.size)
    else:
        {"likeness": likeness, "enlarge": enlarge}[given.what](assets)


if __name__ == "__main__":
    main()
