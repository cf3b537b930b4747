"""Drawn paintings: six motifs, each with a palette and a hand of its own, for a style network to learn from."""

import math
from collections.abc import Callable

import cv2
import numpy as np

from data.texture import mix, noise, step, to_bytes

SIDE = 256
# Painted larger and reduced at the end, which smooths every edge.
CANVAS = 2 * SIDE


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the canvas in 0..1, float32."""
    rows, columns = np.mgrid[0 : 1 : CANVAS * 1j, 0 : 1 : CANVAS * 1j].astype(np.float32)
    return rows, columns


def _colour(text: str) -> np.ndarray:
    """`rrggbb` as RGB, float32 [3] in 0..1."""
    return np.frombuffer(bytes.fromhex(text), np.uint8).astype(np.float32) / 255


def _ramp(field: np.ndarray, *colours: str) -> np.ndarray:
    """Colours [H, W, 3] for a field of 0..1, evenly spaced along the list."""
    stops = np.stack([_colour(colour) for colour in colours])
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(field, at, stops[:, channel]) for channel in range(3)], -1).astype(np.float32)


def _hills(rng: np.random.Generator, base: float, height: float, cells: float) -> np.ndarray:
    """1 below a ridge line around the height `base`, 0 above; [CANVAS, CANVAS]."""
    rows, _ = _grid()
    ridge = base + height * noise(rng, 2, CANVAS, cells, 4)[:1]
    return step(rows, ridge, 0.003)


def _relief(height: np.ndarray, strength: float) -> np.ndarray:
    """Light from the upper left on thick paint: a factor around 1, from the height of the paint, [H, W]."""
    smooth = cv2.GaussianBlur(height, (0, 0), 1.2)
    slope = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) + cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return 1 + strength * np.clip(slope, -1, 1)


def _brush(rng, picture, angle, *, count, length, width, jitter, bend=0.0, relief=0.12) -> np.ndarray:
    """Repaints a picture with short bristled strokes along `angle` [H, W] (radians); returns [H, W, 3].

    `length` and `width` are in pixels of the canvas; `jitter` is how far a stroke's colour strays; `bend` curves a
    stroke as it follows the field of angles (0: straight).
    """
    canvas = cv2.GaussianBlur(picture, (0, 0), 6)
    height = np.zeros(picture.shape[:2], np.float32)
    starts = rng.uniform(0, CANVAS - 1, (count, 2))
    for number, (x, y) in enumerate(starts):
        points = [(x, y)]
        heading = angle[int(y), int(x)]
        for _ in range(6):
            row, column = (int(np.clip(value, 0, CANVAS - 1)) for value in (y, x))
            heading += bend * np.sin(angle[row, column] - heading)
            x, y = x + np.cos(heading) * length / 6, y + np.sin(heading) * length / 6
            points.append((x, y))
        middle = np.clip(np.array(points[3]), 0, CANVAS - 1).astype(int)
        colour = picture[middle[1], middle[0]] * (1 + jitter * rng.uniform(-1, 1)) + jitter * rng.uniform(-0.5, 0.5, 3)
        line = np.round(np.array(points) * 16).astype(np.int32)
        # A darker edge under every stroke, then its bristles
        thick = max(1, round(width * rng.uniform(0.7, 1.3)))
        cv2.polylines(canvas, [line], False, (colour * 0.88).tolist(), thick, cv2.LINE_AA, 4)
        cv2.polylines(canvas, [line], False, colour.tolist(), max(1, thick - 2), cv2.LINE_AA, 4)
        cv2.polylines(height, [line], False, 0.5 + 0.5 * (number % 7) / 7, max(1, thick - 2), cv2.LINE_AA, 4)
    bristles = 1 + 0.03 * noise(rng, CANVAS, CANVAS, CANVAS / 3)
    return canvas * (_relief(height, relief) * bristles)[..., None]


def _swirling_night(rng: np.random.Generator) -> np.ndarray:
    """Blue night, yellow lights, long curved strokes."""
    rows, columns = _grid()
    sky = _ramp(
        np.clip(rows * 1.5 + 0.15 * noise(rng, CANVAS, CANVAS, 4, 3), 0, 1), "0b1d51", "1d4e9e", "5fa3d3", "b8d8d0"
    )
    # The strokes follow a wind that circles every light.
    wind_x, wind_y = np.ones_like(rows), 0.4 * noise(rng, CANVAS, CANVAS, 3)
    for x, y, radius in (
        (0.78, 0.2, 0.13),
        (0.25, 0.17, 0.07),
        (0.5, 0.34, 0.06),
        (0.55, 0.08, 0.035),
        (0.92, 0.5, 0.04),
    ):
        across, down = columns - x, rows - y
        distance = np.hypot(across, down) / radius
        glow = np.exp(-(distance**2) / 2)
        rings = 0.5 + 0.5 * np.cos(distance * 5)
        sky = mix(sky, _ramp(rings, "f7b32b", "fdf0a6"), np.clip(1.3 * glow, 0, 1))
        pull = 5 * np.exp(-distance / 1.5) / np.maximum(np.hypot(across, down), 1e-3)
        wind_x, wind_y = wind_x - pull * down, wind_y + pull * across
    angle = np.arctan2(wind_y, wind_x)
    near, far = _hills(rng, 0.83, 0.05, 3), _hills(rng, 0.7, 0.06, 4)
    picture = mix(
        sky, _ramp(rows * 0.6 + 0.4 * noise(rng, CANVAS, CANVAS, 9, 2) ** 2, "16324f", "2a628f", "3e92a3"), far
    )
    picture = mix(picture, _ramp(columns, "0e2a1f", "1f5132", "3d6b35"), near)
    # A cypress in front
    sway = 0.13 + 0.02 * np.sin(rows * 14) + 0.02 * np.sin(rows * 31)
    cypress = step(0.075 * np.clip((rows - 0.22) * 1.6, 0, 1) ** 0.7 - np.abs(columns - sway), 0, 0.004)
    picture = mix(picture, _ramp(rows, "050f14", "0d2b22", "24421f"), cypress)
    angle = angle * (1 - cypress) + cypress * (np.pi / 2 + 0.5 * np.sin(rows * 30))
    return _brush(rng, picture, angle, count=5200, length=46, width=7, jitter=0.1, bend=0.8)


def _pointillist_meadow(rng: np.random.Generator) -> np.ndarray:
    """Noon in pastels, dots of divided colour."""
    rows, columns = _grid()
    sky = _ramp(np.clip(rows * 2.1, 0, 1), "8ec5f0", "cfe6f5", "fdf1d8")
    cloud = step(noise(rng, CANVAS, CANVAS, 4, 4), 0.25, 0.35) * np.clip(1 - rows * 2, 0, 1)
    picture = mix(sky, _colour("ffffff"), 0.9 * cloud)
    picture = mix(
        picture,
        _ramp(columns + 0.2 * noise(rng, CANVAS, CANVAS, 8), "7fa8c9", "9ab8d8", "b9a7d0"),
        _hills(rng, 0.43, 0.05, 5),
    )
    meadow = _ramp(
        np.clip((rows - 0.5) * 2 + 0.2 * noise(rng, CANVAS, CANVAS, 6, 3), 0, 1), "dcd36a", "9cc25a", "4f9a51"
    )
    picture = mix(picture, meadow, _hills(rng, 0.53, 0.03, 3))
    # The river
    bend = 0.55 + 0.25 * np.sin(rows * 7) * (rows - 0.4)
    river = step(0.02 + 0.3 * np.clip(rows - 0.52, 0, 1) - np.abs(columns - bend), 0, 0.01) * step(rows, 0.54, 0.01)
    picture = mix(picture, _ramp(rows, "d9ecf7", "8dc1e8", "3f7fc1"), river)
    for x, y, size in ((0.16, 0.42, 0.14), (0.86, 0.45, 0.11), (0.72, 0.5, 0.07)):
        crown = np.hypot(columns - x, (rows - y) * 0.9) / size + 0.25 * noise(rng, CANVAS, CANVAS, 14, 2)
        shade = np.clip(0.5 + (columns - x) / size * 0.5 + (rows - y) / size * 0.5, 0, 1)
        picture = mix(picture, _ramp(shade, "f0d35b", "6fae4d", "2c6b58", "433f78"), step(-crown, -1, 0.06))
    canvas = np.broadcast_to(_colour("f4ead2"), picture.shape).copy()
    count = 26000
    x, y = rng.uniform(0, CANVAS - 1, (2, count))
    # Divided colour: a dot is the motif's colour, or one beside it on the wheel, or now and then its complement.
    turn = rng.choice((0, 25, -25, 180), count, p=(0.5, 0.22, 0.22, 0.06))
    dots = cv2.cvtColor(picture[y.astype(int), x.astype(int)][None], cv2.COLOR_RGB2HSV)[0]
    dots[:, 0] = (dots[:, 0] + turn) % 360
    dots[:, 1] = np.clip(dots[:, 1] * np.where(turn == 180, 0.5, 1.25), 0, 1)
    dots[:, 2] = np.clip(dots[:, 2] + rng.uniform(-0.06, 0.06, count), 0, 1)
    colours = cv2.cvtColor(dots[None], cv2.COLOR_HSV2RGB)[0].tolist()
    radii = rng.uniform(2.6, 5.2, count) * np.linspace(1.15, 0.8, count)
    for centre, radius, colour in zip(np.round(np.stack([x, y], 1) * 16).astype(int), radii, colours, strict=True):
        cv2.circle(canvas, centre.tolist(), round(radius * 16), colour, -1, cv2.LINE_AA, 4)
    return canvas


def _woodcut_sea(rng: np.random.Generator) -> np.ndarray:
    """Ink lines on cream paper, indigo sea, a red sun."""
    rows, columns = _grid()
    paper = _colour("f1e4c8") * (1 + 0.03 * noise(rng, CANVAS, CANVAS, 60, 3))[..., None]
    ink, indigo, pale, red = (_colour(colour) for colour in ("16182b", "27477d", "8fb0bf", "c8402f"))
    sun = step(0.13 - np.hypot(columns - 0.7, rows - 0.27), 0, 0.003)
    picture = mix(paper, red, sun)
    # Cut lines of the sky: horizontal, thicker towards the top
    wobble = 0.006 * noise(rng, CANVAS, CANVAS, 5, 2)
    lines = np.sin((rows + wobble) * 2 * np.pi * 34)
    picture = mix(picture, indigo, step(lines, 0.15 + 1.8 * rows, 0.25) * (1 - sun) * 0.9)
    mountain = step(rows, 0.3 + 1.1 * np.abs(columns - 0.3) ** 1.1 + 0.01 * noise(rng, CANVAS, CANVAS, 12, 2), 0.003)
    snow = step(0.43 + 0.03 * np.sin(columns * 60) - rows, 0, 0.004)
    slope = step(np.sin((columns - 0.3 + (rows - 0.3) * 0.8 * np.sign(columns - 0.3)) * 190), 0.1, 0.3)
    picture = mix(picture, mix(mix(pale, indigo, slope), _colour("f8f0dc"), snow), mountain)
    for layer in range(5):
        base, scale = 0.56 + 0.095 * layer, 1 + 0.5 * layer
        x = columns * 9 / scale + 2.1 * layer
        # Crests lean over: the phase runs ahead where the wave is high.
        crest = np.sin(2 * np.pi * (x + 0.12 * np.sin(2 * np.pi * x)) / 2.2)
        top = base - 0.035 * scale * (np.abs(crest) ** 0.7 * np.sign(crest)) + 0.004 * noise(rng, CANVAS, CANVAS, 20)
        depth = rows - top
        wave = step(depth, 0, 0.003)
        contours = np.sin(2 * np.pi * (depth * 30 / scale**0.5 + 0.25 * noise(rng, CANVAS, CANVAS, 5)))
        body = mix(indigo, pale, step(contours, 0.1 + 1.2 * depth, 0.25))
        foam = step(0.016 * scale**0.5 - depth + 0.012 * noise(rng, CANVAS, CANVAS, 50, 2), 0, 0.003)
        body = mix(body, _colour("f8f0dc"), foam)
        picture = mix(picture, body, wave)
        picture = mix(picture, ink, step(0.005 - np.abs(depth), 0, 0.002))
    # Where the block did not take the ink
    bare = step(noise(rng, CANVAS, CANVAS, 150, 2), 1.0, 0.15)
    return mix(picture, paper, 0.8 * bare)


def _cubist_guitar(rng: np.random.Generator) -> np.ndarray:
    """A still life broken into facets of ochre, umber and grey blue."""
    rows, columns = _grid()
    picture = _ramp(np.clip(rows + 0.2 * (columns - 0.5), 0, 1), "6f7f80", "8f8a74", "4d3b2a")
    picture = mix(picture, _ramp(columns, "5a4a33", "a88a56", "3b2f26"), step(rows, 0.72 + 0.1 * columns, 0.004))
    turn = 0.5
    x = math.cos(turn) * (columns - 0.48) + math.sin(turn) * (rows - 0.58)
    y = math.cos(turn) * (rows - 0.58) - math.sin(turn) * (columns - 0.48)
    body = np.minimum(np.hypot(x, (y - 0.13)) / 0.22, np.hypot(x, y + 0.08) / 0.165)
    neck = np.maximum(np.abs(x) / 0.03, np.abs(y + 0.38) / 0.3)
    picture = mix(picture, _colour("1f1a17"), step(-np.minimum(body - 0.03, neck - 0.1), -1, 0.01))
    picture = mix(picture, _ramp(np.clip(0.5 + 2 * x, 0, 1), "d9a441", "c07c32", "7c4a24"), step(-body, -1, 0.01))
    picture = mix(picture, _colour("2b201a"), step(-np.minimum(neck, np.hypot(x, y) / 0.065), -1, 0.02))
    for string in (-0.014, 0.0, 0.014):
        picture = mix(
            picture, _colour("efe3c2"), step(0.0022 - np.abs(x - string), 0, 0.0015) * step(0.62, y + 0.4, 0.3)
        )
    bottle = np.maximum(np.abs(columns - 0.84) / np.where(rows < 0.38, 0.035, 0.085), np.abs(rows - 0.5) / 0.32)
    picture = mix(
        picture, _ramp(np.clip((columns - 0.75) * 5, 0, 1), "2f4d46", "8fb09a", "1e302d"), step(-bottle, -1, 0.01)
    )
    # Facets: every cell of a Voronoi diagram sees the motif from a place of its own, under a light of its own.
    seeds = rng.uniform(-0.05, 1.05, (70, 2)).astype(np.float32)
    distance = np.full((CANVAS, CANVAS), np.inf, np.float32)
    second, cell = distance.copy(), np.zeros((CANVAS, CANVAS), np.int32)
    for number, (row, column) in enumerate(seeds):
        # Longer along one diagonal, as shards are
        across, down = columns - column, rows - row
        far = np.hypot(across + 0.5 * down, down - 0.35 * across)
        second = np.minimum(second, np.maximum(far, distance))
        cell = np.where(far < distance, number, cell)
        distance = np.minimum(distance, far)
    shifts = (rng.normal(0, 0.035, (len(seeds), 2)) * CANVAS).astype(np.float32)
    map_x = columns * (CANVAS - 1) + shifts[cell, 0]
    map_y = rows * (CANVAS - 1) + shifts[cell, 1]
    picture = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    direction = rng.uniform(0, 2 * np.pi, len(seeds)).astype(np.float32)[cell]
    fall = np.cos(direction) * (columns - seeds[cell, 1]) + np.sin(direction) * (rows - seeds[cell, 0])
    picture = picture * np.clip(1.0 + 3.2 * fall, 0.55, 1.5)[..., None]
    picture = mix(picture, _colour("e9dfc6"), 0.35 * step(fall, 0.04, 0.05))
    picture = mix(picture, _colour("1a1512"), 0.85 * step(0.006 - (second - distance), 0, 0.003))
    return picture * (1 + 0.05 * noise(rng, CANVAS, CANVAS, 90, 3))[..., None]


def _fauve_harbour(rng: np.random.Generator) -> np.ndarray:
    """Pure reds, oranges, greens and violets in broad, flat strokes."""
    rows, columns = _grid()
    picture = _ramp(np.clip(rows * 2.2, 0, 1), "f6c6d0", "ffd166", "ff8c42")
    angle = 0.5 * noise(rng, CANVAS, CANVAS, 3)
    picture = mix(picture, _ramp(columns, "7b2d8b", "3a56c5", "9b3fb5"), _hills(rng, 0.36, 0.1, 4))
    picture = mix(
        picture,
        _ramp(columns + 0.3 * noise(rng, CANVAS, CANVAS, 5), "0c9463", "3fc380", "f45b69"),
        _hills(rng, 0.46, 0.04, 5),
    )
    water = step(rows, 0.52, 0.004)
    ripple = np.sin(rows * 60 + 4 * noise(rng, CANVAS, CANVAS, 5))
    picture = mix(picture, _ramp(0.5 + 0.5 * ripple, "1789a6", "28c2c9", "ffe08a", "f25c54"), water)
    angle = angle * (1 - water) + 0.08 * water
    for x, y, size, sail, hull in (
        (0.3, 0.66, 0.2, "e4262c", "5b1a7a"),
        (0.72, 0.6, 0.13, "fff1c9", "0b6e4f"),
        (0.62, 0.83, 0.24, "ff9f1c", "b3123f"),
    ):
        across, down = (columns - x) / size, (rows - y) / size
        sails = step(np.minimum(np.minimum(across + 0.45, -down), 1.15 + down - 1.3 * np.abs(across - 0.02)), 0, 0.02)
        boat = step(np.minimum(np.minimum(down, 0.24 - down), 0.62 - np.abs(across) - 0.7 * down), 0, 0.02)
        picture = mix(mix(picture, _colour(sail), sails), _colour(hull), boat)
        angle = angle * (1 - sails) + 1.2 * sails
    sun = np.hypot(columns - 0.5, rows - 0.17) / 0.075
    picture = mix(picture, _colour("e8222e"), step(-sun, -1, 0.03))
    return _brush(rng, picture, angle, count=2400, length=46, width=16, jitter=0.09, bend=0.2, relief=0.2)


def _ink_mountains(rng: np.random.Generator) -> np.ndarray:
    """Washes of black ink on warm paper: ridges in mist."""
    rows, columns = _grid()
    fibres = cv2.resize(noise(rng, CANVAS, CANVAS // 8, 20, 2), (CANVAS, CANVAS))
    paper = _colour("ece5d6") * (1 + 0.02 * fibres + 0.02 * noise(rng, CANVAS, CANVAS, 120, 2))[..., None]
    density = np.zeros((CANVAS, CANVAS), np.float32)
    for layer, base in enumerate((0.3, 0.42, 0.55, 0.7, 0.88)):
        ridge = base + (0.1 + 0.02 * layer) * noise(rng, 2, CANVAS, 3 + layer, 5)[:1]
        depth = rows - ridge
        inside = step(depth, 0, 0.004 + 0.002 * layer)
        # Ink gathers at the ridge and runs out into the mist below; brush marks run down the rock.
        rock = cv2.resize(noise(rng, CANVAS // 6, CANVAS, 60, 3), (CANVAS, CANVAS))
        wash = (0.16 + 0.13 * layer) * np.exp(-np.maximum(depth, 0) / (0.09 + 0.02 * layer)) * (1 + 0.8 * rock)
        density = density * (1 - 0.85 * inside) + np.maximum(wash, 0.02) * inside
    density *= 1 + 0.25 * noise(rng, CANVAS, CANVAS, 40, 4)
    # Pines on the nearest ridge
    for _ in range(16):
        x, foot, tall = rng.uniform(0, 1), rng.uniform(0.86, 1.0), rng.uniform(0.08, 0.18)
        up = (foot - rows) / tall
        branch = 0.35 * tall * np.clip(1 - up, 0, 1) * (0.35 + 0.65 * np.abs(np.sin(up * 14 + x * 9)))
        reach = branch + 0.002 - np.abs(columns - x - 0.01 * np.sin(up * 3))
        tree = step(reach + 0.003 * noise(rng, CANVAS, CANVAS, 80), 0, 0.003) * step(up, 0, 0.02) * step(-up, -1, 0.02)
        density = np.maximum(density, 0.85 * tree)
    moon = np.hypot(columns - 0.74, rows - 0.15)
    density += 0.05 * np.exp(-((np.maximum(moon, 0.07) - 0.07) ** 2) / 0.004) * step(moon, 0.07, 0.004)
    picture = mix(paper, _colour("1b1e26"), np.clip(density, 0, 0.95))
    seal = np.maximum(np.abs(columns - 0.92), np.abs(rows - 0.9)) / 0.032
    carved = step(np.abs(np.sin(columns * 190) * np.sin(rows * 150)), 0.25, 0.1)
    return mix(picture, _colour("b3261e"), step(-seal, -1, 0.05) * (0.35 + 0.65 * carved))


PAINTINGS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "cubist_guitar": _cubist_guitar,
    "fauve_harbour": _fauve_harbour,
    "ink_mountains": _ink_mountains,
    "pointillist_meadow": _pointillist_meadow,
    "swirling_night": _swirling_night,
    "woodcut_sea": _woodcut_sea,
}


def draw_painting(name: str, rng: np.random.Generator) -> np.ndarray:
    """Draws the painting `name` (a key of `PAINTINGS`): uint8 [256, 256, 3], RGB."""
    return to_bytes(cv2.resize(PAINTINGS[name](rng), (SIDE, SIDE), interpolation=cv2.INTER_AREA))
