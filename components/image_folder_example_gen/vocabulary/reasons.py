"""Why a file is not in the Examples: the complete list of reason codes and what each asks of the person."""

import enum


class Reason(str, enum.Enum):
    """A reason code, as in `rejected.jsonl` and in `easel check`; its `.advice` says what to do about it."""

    advice: str

    def __new__(cls, code: str, advice: str):
        """Makes the member with its advice."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.advice = advice
        return member

    EMPTY = "empty", "The file has no bytes: copy it again or delete it."
    NOT_AN_IMAGE = "not_an_image", "The content is no image format that Easel reads, whatever its name says: delete it."
    TRUNCATED = "truncated", "The file ends before the image does: copy it again."
    CORRUPT = "corrupt", "The image data is damaged: restore it from the original."
    UNSUPPORTED = "unsupported", "An image, but its pixels are of 32 bits or floating-point: save it with 8 or 16 bits."
    TOO_SMALL = "too_small", "A side is below `ingest.min_side` pixels: thumbnails and icons do not help training."
    TOO_LARGE = "too_large", "The file is above `ingest.max_bytes`."
    BOMB = "bomb", "The header claims more than `ingest.max_pixels` pixels: raise the limit if the image is genuine."
    ASPECT = "aspect", "Longer than `ingest.max_aspect` times its width: crop it, or raise the limit."
    TIMEOUT = "timeout", "Takes longer to decode than `ingest.max_seconds`: save it anew, or raise the limit."
    CONFLICT = "conflict", "The same bytes are in folders of different classes: keep the right one."
    NEAR_DUPLICATE = (
        "near_duplicate",
        "Its near-copies are in train and in eval, so it would spoil the evaluation: keep one of them.",
    )
    OUTSIDE_LAYOUT = "outside_layout", "The image is outside the class (or split) folders: move it into one."
    UNLABELLED = "unlabelled", "labels.csv has no line for it: add one, or delete the file."
    MISSING = "missing", "labels.csv has a line for it, but there is no such file: copy it again or delete the line."
    CLASS_NAME = "class_name", "The folder's name cannot name a class (line breaks or blanks only): rename it."
    LINK_OUTSIDE = "link_outside", "A link that leaves the folder: copy the files, or set `ingest.follow_links`."
    LINK_LOOP = "link_loop", "A link to a folder that contains it: delete it."
    LINK_FOLDER = "link_folder", "A link to a folder that is read under its own name already: delete it."
    LINK_BROKEN = "link_broken", "The link points at nothing: delete it."
    NOT_A_FILE = "not_a_file", "A pipe, socket or device: delete it."
    FOLDER = "folder", "A folder that the system refused to list: check its permissions."
    UNREADABLE = "unreadable", "The system refused to read it: check its permissions."
    VANISHED = "vanished", "The file was there and is gone: do not change the folder while it is read."
    CHANGED = "changed", "The file changed while it was read: run again when the folder is at rest."


class Unusable(Exception):
    """A file that cannot be used: a reason code and, for the person, a detail."""

    def __init__(self, reason: Reason, detail: str):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail
