"""Drawn photos: painted pottery on a table, five classes told apart by the pattern alone.

Colours, lighting, pose, shape, background, clutter, exposure, blur and noise vary in the same way for every class, and
each pattern covers half of the surface: statistics of colour say nothing about the class, structure says all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from data.texture import hsv, luma, mix, noise, step, to_bytes

WIDTH, HEIGHT = 160, 120


def _checks(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return 2 * np.sin(4.5 * u) * np.sin(4.5 * v)


def _dots(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # A triangular lattice, as potters space dots; the level makes the dots half of the surface.
    return (np.cos(8.0 * u) + 2 * np.cos(4.0 * u) * np.cos(6.928 * v) + 0.4) / 2


def _rays(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # By the distance from the centre, so that edges are equally sharp along a ray.
    return np.sin(7 * np.arctan2(v, u)) * np.minimum(1, np.hypot(u, v))


def _rings(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.sin(8.0 * np.hypot(u, v))


def _stripes(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.sin(7.0 * u)


# Each takes coordinates on the surface in radii of the object and is positive where the second colour goes.
PATTERNS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "checks": _checks,
    "dots": _dots,
    "rays": _rays,
    "rings": _rings,
    "stripes": _stripes,
}


def _ball(y: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(0, 1 - y * y))


def _egg(y: np.ndarray) -> np.ndarray:
    return 0.82 * np.sqrt(np.maximum(0, 1 - y * y)) * (1 + 0.16 * y)


def _vase(y: np.ndarray) -> np.ndarray:
    return (0.62 + 0.3 * np.sin(2.4 * y + 0.7)) * (np.abs(y) < 1)


def _jar(y: np.ndarray) -> np.ndarray:
    return 0.8 * np.maximum(0, 1 - np.abs(y) ** 7) ** (1 / 3)


# Profiles of surfaces of revolution: the radius at height y, which runs from -1 (top) to 1 (bottom).
PROFILES = (_ball, _egg, _vase, _jar)


@dataclass(frozen=True)
class _Pot:
    """One object on the table: lengths in pixels, `tilt` in radians."""

    profile: Callable[[np.ndarray], np.ndarray]
    centre: tuple[float, float]
    size: float
    tilt: float
    gloss: float


@dataclass(frozen=True)
class _Surface:
    """A pot as the camera sees it."""

    inside: np.ndarray  # [H, W], coverage, 0..1
    normal: np.ndarray  # [H, W, 3], towards the camera is +z
    u: np.ndarray  # [H, W], around the axis, in radii of the pot
    v: np.ndarray  # [H, W], along the axis


def _surface(pot: _Pot, rows: np.ndarray, columns: np.ndarray) -> _Surface:
    across, down = (columns - pot.centre[0]) / pot.size, (rows - pot.centre[1]) / pot.size
    x = math.cos(pot.tilt) * across + math.sin(pot.tilt) * down
    y = np.clip(math.cos(pot.tilt) * down - math.sin(pot.tilt) * across, -1.2, 1.2)
    radius = pot.profile(y)
    turn = np.clip(x / np.maximum(radius, 1e-3), -1, 1)
    slope = (pot.profile(y + 0.02) - pot.profile(y - 0.02)) / 0.04
    normal = np.stack([turn, np.clip(-slope, -2, 2), np.sqrt(1 - turn * turn)], -1)
    normal /= np.sqrt(np.einsum("hwc,hwc->hw", normal, normal))[..., None]
    inside = step(radius - np.abs(x), 0, 0.7 / pot.size) * (np.abs(y) < 1)
    return _Surface(inside, normal, np.arcsin(turn) * np.maximum(radius, 0.3), y * 1.2)


def _put(scene: np.ndarray, pot: _Pot, light: np.ndarray, glaze: Callable[[_Surface], np.ndarray]) -> None:
    """Draws a pot and its shadow into the scene [H, W, 3], in place; `glaze` gives its colour, [3] or [h, w, 3]."""
    (x, y), reach = pot.centre, 1.6 * pot.size
    top, left = max(0, int(y - reach)), max(0, int(x - reach))
    window = scene[top : int(y + reach), left : int(x + reach)]
    height, width = window.shape[:2]
    rows, columns = np.mgrid[top : top + height, left : left + width].astype(np.float32)

    ellipse = ((columns - x + light[0] * pot.size * 0.4) / pot.size) ** 2 + ((rows - y) / pot.size - 0.9) ** 2 * 12
    window *= (1 - 0.55 * np.exp(-(ellipse**1.5)))[..., None]

    surface = _surface(pot, rows, columns)
    diffuse = np.maximum(0, surface.normal @ light)
    halfway = light + np.array([0, 0, 1], np.float32)
    # Specular light on the glaze after Blinn (1977)
    shine = np.maximum(0, surface.normal @ (halfway / np.linalg.norm(halfway))) ** 40
    lit = glaze(surface) * (0.3 + 0.8 * diffuse)[..., None] + pot.gloss * shine[..., None]
    window[:] = mix(window, lit, surface.inside)


def _light(rng: np.random.Generator) -> np.ndarray:
    direction = np.array([rng.uniform(-0.9, 0.9), rng.uniform(-0.9, -0.2), rng.uniform(0.5, 1.0)], np.float32)
    return direction / np.linalg.norm(direction)


def _room(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A wall and a table, float32 [HEIGHT, WIDTH, 3], and the row of the edge between them."""
    wall, table = (hsv(rng.uniform(), rng.uniform(0.05, 0.5), rng.uniform(0.35, 0.95)) for _ in range(2))
    edge = HEIGHT * rng.uniform(0.5, 0.7)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    plaster = 0.06 * noise(rng, HEIGHT, WIDTH, 5, 4)
    # Wood grain is noise stretched along the table.
    grain = 0.12 * cv2.resize(noise(rng, HEIGHT, WIDTH // 12, 4, 3), (WIDTH, HEIGHT))
    on_table = step(rows + rng.uniform(-0.06, 0.06) * columns, edge, 1.0)
    scene = mix(wall * (1 + plaster)[..., None], table * (1 + grain)[..., None], on_table)
    # A window throws a slanting patch of light on the wall.
    across = columns / WIDTH - rng.uniform(0.1, 0.9) - rows / HEIGHT * rng.uniform(-0.8, 0.8)
    patch = step(-np.abs(across), -rng.uniform(0.08, 0.25), 0.04) * (1 - on_table)
    return scene * (1 + rng.uniform(0, 0.35) * patch)[..., None], edge


def _two_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours that can be told apart in grey, in random order."""
    while True:
        first, second = (hsv(rng.uniform(), rng.uniform(0.15, 0.9), rng.uniform(0.15, 1)) for _ in range(2))
        if abs(luma(first) - luma(second)) > 0.4:
            return first, second


def _camera(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """What a camera adds: white balance, exposure, vignette, blur, gamma and noise. Returns uint8 of the same shape."""
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    scene = scene * (rng.uniform(0.85, 1.15, 3) * rng.uniform(0.75, 1.2)).astype(np.float32)
    scene *= (1 - rng.uniform(0, 0.3) * (rows**2 + columns**2) / 2)[..., None]
    scene = cv2.GaussianBlur(np.clip(scene, 0, 1), (0, 0), rng.uniform(0.3, 0.8)) ** rng.uniform(0.85, 1.15)
    return to_bytes(scene + rng.uniform(0.005, 0.03) * rng.standard_normal(scene.shape, np.float32))


def draw_photo(label: str, rng: np.random.Generator) -> np.ndarray:
    """Draws one photo of a pot with the pattern `label` (a key of `PATTERNS`): uint8 [120, 160, 3], RGB."""
    light = _light(rng)
    scene, edge = _room(rng)
    for _ in range(rng.integers(1, 4)):
        size = HEIGHT * rng.uniform(0.07, 0.2)
        centre = (rng.uniform(0, WIDTH), edge + rng.uniform(-0.6, 0.5) * size)
        colour = hsv(rng.uniform(), rng.uniform(0.1, 0.9), rng.uniform(0.2, 1))
        plain = _Pot(PROFILES[rng.integers(len(PROFILES))], centre, size, rng.uniform(-0.2, 0.2), 0.2)
        _put(scene, plain, light, lambda _, colour=colour: colour)

    turn, scale, shift = rng.uniform(-0.5, 0.5), rng.uniform(0.85, 1.3), rng.uniform(-0.3, 0.3, 2).tolist()
    first, second = _two_colours(rng)

    def glaze(surface: _Surface) -> np.ndarray:
        # A hand paints no straight line, and no even coat.
        shape = surface.u.shape
        u = surface.u - shift[0] + 0.03 * noise(rng, *shape, 8)
        v = surface.v - shift[1] + 0.03 * noise(rng, *shape, 8)
        along, across = math.cos(turn) * u - math.sin(turn) * v, math.sin(turn) * u + math.cos(turn) * v
        coat = 1 + 0.05 * noise(rng, *shape, 20, 2)
        return mix(first, second, step(PATTERNS[label](scale * along, scale * across), 0, 0.25)) * coat[..., None]

    centre = (WIDTH * rng.uniform(0.3, 0.7), HEIGHT * rng.uniform(0.42, 0.6))
    profile = PROFILES[rng.integers(len(PROFILES))]
    pot = _Pot(profile, centre, HEIGHT * rng.uniform(0.34, 0.45), rng.uniform(-0.35, 0.35), rng.uniform(0, 0.5))
    _put(scene, pot, light, glaze)
    return _camera(rng, scene)
