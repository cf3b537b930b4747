"""The `ingest` section of the configuration."""

from pydantic import Field

from trainer.base.options import Options


class IngestOptions(Options):
    """How image folders become Examples: limits, splitting and re-encoding."""

    eval_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the images held out for evaluation when the folders do not split them (`train/`, `test/`)."""
    keep_splits: bool = True
    """Keep every image in the split that an earlier run in this workspace gave it; otherwise split anew every time."""
    near_duplicate_bits: int = Field(60, ge=0, le=100)
    """Images whose 256-bit perceptual hashes differ in at most this many bits count as copies and share a split."""
    spans: int | None = Field(None, ge=1)
    """How many of the latest spans to read of `photos/span-{SPAN}` or `photos/{YYYY}-{MM}-{DD}`; all unless given."""
    evaluate_latest_span: bool = False
    """The latest span is the evaluation set and all before it are trained on, as soon as there are two. Near-copies
    of what is evaluated are left out of the training; folders `train` and `test` in spans count for nothing."""
    max_side: int = Field(2048, ge=64)
    """Longest side in pixels; larger photos are reduced to it."""
    min_side: int = Field(16, ge=1)
    """Images with a shorter side below this many pixels are rejected."""
    max_pixels: int = Field(100_000_000, ge=1)
    """Images that claim more pixels are refused from the header, before memory is spent on them."""
    max_aspect: float = Field(20.0, gt=1)
    """Images longer than this many times their width (or the other way round) are rejected."""
    max_bytes: int = Field(256 * 1024 * 1024, ge=1)
    """Larger files are rejected unread."""
    max_seconds: float = Field(60.0, gt=0)
    """Files that take longer to read and decode are rejected."""
    quality: int = Field(95, ge=1, le=100)
    """JPEG quality (4:4:4) of what has to be re-encoded; photos that TensorFlow decodes correctly keep their bytes."""
    background: tuple[int, int, int] = (255, 255, 255)
    """RGB colour, 0-255, put behind transparent pixels."""
    follow_links: bool = False
    """Follow symbolic links that lead out of the folder; otherwise what they point at is rejected."""
