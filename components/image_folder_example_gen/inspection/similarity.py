"""Near-duplicates: the same picture resized, recompressed, brightened or slightly cropped.

A picture's fingerprint holds two perceptual hashes and what its sixteen keys are made of: signs of DCT coefficients
about their median, after Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), section
3.2.1, in the 256-bit form of Facebook's PDQ (2019). One hash is of the whole picture, one of its inner 95 %, so that a
crop of a few per cent is near one of them. Pictures are compared when they share a key, which is banding: nobody
compares all pairs. A key is a quarter of the signs of the 64 lowest coefficients; in each quarter the two that are
nearest to tipping are tried both ways, which finds copies cropped by 4 % in nine cases of ten.
"""

from collections.abc import Sequence

import cv2
import numpy as np

HASH_BITS = 256
_SIDE = 32
_INNER = 0.95
_FLAT = 1 / 255
"""Contrast below which there is no structure to compare."""
_LOW_BITS = 8
_ROUGHLY = 1.4
"""Pictures are also near when at most 8 of the 64 lowest bits differ, and all together 1.4 times what is allowed."""
BANDS = 4
"""Parts that keys are of: pictures share a key only within one, so that each band can be compared on its own."""
_KEYS = 4
"""Keys per band."""
_ROW = np.dtype([("hashes", "<u2", (2, HASH_BITS // 16)), ("id", "<u8"), ("keys", "<u2", _KEYS)])
"""What is compared: 80 bytes for each band of a picture."""
WINDOW = 32
"""Pictures under one key are sorted by their hashes, and each is compared with this many of the next ones."""

_LOW = 16
"""Frequencies of a hash in each direction; that of 0, the mean, is none of them."""
_ONES = np.unpackbits(np.arange(1 << 16, dtype="<u2").view(np.uint8)).reshape(-1, 16).sum(-1, dtype=np.uint8)
"""How many bits are set in each number of 16 bits."""


def square(luma: np.ndarray) -> bytes:
    """What the fingerprint of an upright picture is made from: a copy of 32 x 32 pixels.

    `luma` is float32 [H, W], 0..1, of any size; reduced copies serve as well as originals.

    Returns:
        float32 [32, 32] as bytes.
    """
    return cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).tobytes()


def fingerprints(squares: Sequence[bytes]) -> list[bytes]:
    """The two hashes and the keys of pictures, many at once: one by one it would take several times as long.

    Returns:
        For each picture 192 bytes; none for a picture without structure, which is not a copy of anything.
    """
    pixels = np.frombuffer(b"".join(squares), np.float32).reshape(-1, _SIDE, _SIDE)
    structured = pixels.std(axis=(1, 2)) >= _FLAT
    spectra = _BASES @ pixels @ _BASES.T  # of the whole picture at the upper left, of its inner part at the lower right
    both = np.stack([spectra[:, :_LOW, :_LOW], spectra[:, _LOW:, _LOW:]], 1).reshape(-1, 2, HASH_BITS)
    hashes = np.packbits(both > _median(both), axis=-1).reshape(-1, HASH_BITS // 4)
    lowest = spectra[:, :8, :8].reshape(-1, 64)
    margins = (lowest - _median(lowest)).astype("<f2").view(np.uint8)
    packed = np.concatenate([hashes, margins], axis=-1)
    return [row.tobytes() if kept else b"" for row, kept in zip(packed, structured, strict=True)]


def identity(sha256: str) -> int:
    """What stands for a picture among rows and edges: the first 64 bits of its digest."""
    return int(sha256[:16], 16)


def rows(fingerprints: Sequence[bytes], identities: Sequence[int]) -> np.ndarray:
    """What is compared of the pictures that have a fingerprint.

    Returns:
        [BANDS, N], of `_ROW`.
    """
    kept = [(each, identity) for each, identity in zip(fingerprints, identities, strict=True) if each]
    table = np.empty((BANDS, len(kept)), _ROW)
    if kept:
        packed = np.frombuffer(b"".join(each for each, _ in kept), np.uint8).reshape(len(kept), -1)
        table["hashes"] = packed[:, : HASH_BITS // 4].copy().view("<u2").reshape(len(kept), 2, -1)
        table["keys"] = _keys(packed[:, HASH_BITS // 4 :].copy().view("<f2").astype(np.float32)).swapaxes(0, 1)
        table["id"] = np.array([identity for _, identity in kept], "<u8")
    return table


def edges(band: np.ndarray, distance: int) -> np.ndarray:
    """Pairs of near-duplicates that share a key of one band.

    `band` has the rows of one band, [N], of all pictures; `distance` is how many of 256 bits may differ, somewhat more
    where the lowest frequencies agree.

    Returns:
        uint64 [N, 2], identities, the smaller first, without repetition.
    """
    words = band["hashes"].reshape(len(band), HASH_BITS // 8)
    band = band[np.lexsort((band["id"], *words.T))]
    keys = band["keys"].ravel()
    order = np.argsort(keys, kind="stable")  # pictures under one key stay sorted by their hashes
    keys, pictures = keys[order], order // _KEYS
    found = [np.empty((0, 2), np.uint64)]
    for step in range(1, WINDOW + 1):
        (first,) = np.nonzero(keys[:-step] == keys[step:])
        if not len(first):
            break
        one, other = band[pictures[first]], band[pictures[first + step]]
        near = _near(one["hashes"], other["hashes"], distance)
        found.append(np.stack([one["id"][near], other["id"][near]], -1))
    return unique(found)


def unique(pairs: Sequence[np.ndarray]) -> np.ndarray:
    """Pairs of identities, [N, 2] in all, the smaller first, each pair once, and none of a picture with itself."""
    together = np.sort(np.concatenate(pairs), axis=-1)
    return np.unique(together[together[:, 0] != together[:, 1]], axis=0)


def components(pairs: np.ndarray) -> dict[int, int]:
    """The group of every picture that is in one: its smallest identity stands for it.

    `pairs` is uint64 [N, 2], the smaller identity first.
    """
    if not len(pairs):
        return {}
    # Half a second, and few folders have near-copies.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    identities, places = np.unique(pairs, return_inverse=True)
    ends = tuple(places.reshape(pairs.shape).T)
    links = coo_array((np.ones(len(pairs), np.int8), ends), shape=(len(identities),) * 2)
    _, groups = connected_components(links, directed=False)
    _, first = np.unique(groups, return_index=True)  # identities ascend
    return dict(zip(identities.tolist(), identities[first][groups].tolist(), strict=True))


def _bases() -> np.ndarray:
    """What takes 32 pixels to frequencies 1 to 16 of them (DCT-II), and of the inner 95 % of them, float32 [32, 32]."""
    centres = np.arange(_SIDE) + 0.5
    cosines = np.cos(np.pi / _SIDE * np.arange(1, _LOW + 1)[:, None] * centres)
    places = (centres - _SIDE / 2) * _INNER + _SIDE / 2 - 0.5
    # Linear interpolation between the pixels: a hat about each.
    inside = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(_SIDE)))
    return np.concatenate([cosines, cosines @ inside]).astype(np.float32)


_BASES = _bases()


def _median(values: np.ndarray) -> np.ndarray:
    """The upper median along the last axis, which is kept."""
    middle = values.shape[-1] // 2
    return np.partition(values, middle, axis=-1)[..., middle : middle + 1]


def _keys(margins: np.ndarray) -> np.ndarray:
    """uint16 [N, 4, 4] of margins [N, 64]: for each band its bits, and those with the two least certain ones tipped."""
    bands = margins.reshape(len(margins), -1, BANDS).swapaxes(1, 2)
    powers = 1 << np.arange(bands.shape[-1], dtype=np.uint16)
    bits = ((bands > 0) * powers).sum(-1, dtype=np.uint16)
    doubtful = powers[np.argsort(np.abs(bands), axis=-1)[..., :2]]
    one, other = doubtful[..., 0], doubtful[..., 1]
    return np.stack([bits, bits ^ one, bits ^ other, bits ^ one ^ other], -1)


def _near(one: np.ndarray, other: np.ndarray, distance: int) -> np.ndarray:
    """Whether hashes [N, 2, 16] are near each other, cropped by nothing, or one of them to its inner part."""
    near = np.zeros(len(one), bool)
    for a, b in ((0, 0), (0, 1), (1, 0)):
        differ = one[:, a] ^ other[:, b]
        bits = _count(differ)
        # In smooth or noisy pictures only the lowest frequencies say anything.
        near |= (bits <= distance) | ((bits <= _ROUGHLY * distance) & (_count(differ[:, :8] & 0xFF) <= _LOW_BITS))
    return near


def _count(bits: np.ndarray) -> np.ndarray:
    """How many bits are set in each row, uint16 [N, M]."""
    return _ONES[bits].sum(-1, dtype=np.int32)
