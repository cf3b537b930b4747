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
_BANDS = 4
_ROW = np.dtype([("key", "<u4"), ("hashes", "<u2", (2, HASH_BITS // 16)), ("id", "<u8")])
"""What is compared: a row of 76 bytes for each key of a picture."""
_KEYS = 4
"""Keys per band."""
WINDOW = 32
"""Pictures under one key are sorted by their hashes, and each is compared with this many of the next ones."""

_MARGIN = (1 - _INNER) / 2 * _SIDE
_INSIDE = np.array([(_INNER, 0, _MARGIN), (0, _INNER, _MARGIN)]) + np.array([[0, 0, (_INNER - 1) / 2]] * 2)
"""Where the pixels of the inner part lie in the whole (pixel centres are at halves)."""
_ONES = np.unpackbits(np.arange(1 << 16, dtype="<u2").view(np.uint8)).reshape(-1, 16).sum(-1, dtype=np.uint8)
"""How many bits are set in each number of 16 bits."""


def fingerprint(luma: np.ndarray) -> bytes:
    """The two hashes and the keys of an upright picture.

    Args:
      luma: float32 [H, W], 0..1, any size; reduced copies serve as well as originals.

    Returns:
      192 bytes; none for a picture without structure, which is not a copy of anything.
    """
    square = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    if cv2.meanStdDev(square)[1].item() < _FLAT:
        return b""
    inner = cv2.warpAffine(square, _INSIDE, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    whole = cv2.dct(square)
    low = whole[1:9, 1:9].ravel()
    return _hash(whole) + _hash(cv2.dct(inner)) + (low - _median(low)).astype("<f2").tobytes()


def identity(sha256: str) -> int:
    """What stands for a picture among rows and edges: the first 64 bits of its digest."""
    return int(sha256[:16], 16)


def rows(fingerprints: Sequence[bytes], identities: Sequence[int]) -> np.ndarray:
    """A row, of `_ROW`, for each key of each picture that has a fingerprint."""
    kept = [(each, identity) for each, identity in zip(fingerprints, identities, strict=True) if each]
    if not kept:
        return np.empty(0, _ROW)
    packed = np.frombuffer(b"".join(each for each, _ in kept), np.uint8).reshape(len(kept), -1)
    table = np.empty((len(kept), _BANDS, _KEYS), _ROW)
    hashes = packed[:, : HASH_BITS // 4].copy().view("<u2").reshape(len(kept), 1, 1, 2, -1)
    table["hashes"] = hashes
    table["key"] = _keys(packed[:, HASH_BITS // 4 :].copy().view("<f2").astype(np.float32))
    table["id"] = np.array([identity for _, identity in kept], "<u8")[:, None, None]
    return table.ravel()


def edges(table: np.ndarray, distance: int) -> np.ndarray:
    """Pairs of near-duplicates among rows.

    Args:
      table: rows of any number of pictures, complete for every key that occurs.
      distance: how many of 256 bits may differ; somewhat more where the lowest frequencies agree.

    Returns:
      uint64 [N, 2], identities, the smaller first, without repetition.
    """
    table = table[np.argsort(table, order=("key", "hashes", "id"))]
    found = [np.empty((0, 2), np.uint64)]
    for step in range(1, WINDOW + 1):
        (first,) = np.nonzero(table["key"][:-step] == table["key"][step:])
        if not len(first):
            break
        one, other = table[first], table[first + step]
        near = _near(one["hashes"], other["hashes"], distance)
        found.append(np.stack([one["id"][near], other["id"][near]], -1))
    pairs = np.concatenate(found)
    pairs.sort(-1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def components(pairs: np.ndarray) -> dict[int, int]:
    """The group of every picture that is in one: its smallest identity stands for it.

    Args:
      pairs: uint64 [N, 2], the smaller identity first.
    """
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        path = []
        while (parent := parents.setdefault(node, node)) != node:
            path.append(node)
            node = parent
        for each in path:
            parents[each] = node
        return node

    for one, other in pairs.tolist():
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    return {node: root(node) for node in list(parents)}


def _hash(coefficients: np.ndarray) -> bytes:
    low = coefficients[1:17, 1:17].ravel()
    return np.packbits(low > _median(low)).tobytes()


def _median(values: np.ndarray) -> np.float32:
    middle = len(values) // 2
    return np.partition(values, middle)[middle]


def _keys(margins: np.ndarray) -> np.ndarray:
    """uint32 [N, 4, 4] of margins [N, 64]: for each band its bits, and those with the two least certain ones tipped."""
    bands = margins.reshape(len(margins), -1, _BANDS).swapaxes(1, 2)
    powers = 1 << np.arange(bands.shape[-1], dtype=np.uint32)
    bits = ((bands > 0) * powers).sum(-1, dtype=np.uint32)
    doubtful = powers[np.argsort(np.abs(bands), axis=-1)[..., :2]]
    one, other = doubtful[..., 0], doubtful[..., 1]
    keys = np.stack([bits, bits ^ one, bits ^ other, bits ^ one ^ other], -1)
    return keys | (np.arange(_BANDS, dtype=np.uint32)[:, None] << 16)


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
