"""Byte-identical copies."""

from collections.abc import Iterable

from components.image_folder_example_gen.reasons import Reason
from components.image_folder_example_gen.records import Duplicate, Picture, Refusal


def resolve(copies: Iterable[Picture]) -> tuple[Picture | None, list[Duplicate | Refusal]]:
    """What becomes of files with the same content: one is kept, or none if they are in folders of different classes.

    Where the folders split the images, a copy in the eval folder is the one that is kept, so that the eval set is what
    the person made it and no copy of it is trained on. Otherwise the first by name is kept, whatever the order here.
    """
    ordered = sorted(copies, key=lambda picture: (picture.source.split != "eval", picture.source.name))
    labels = sorted({picture.source.label for picture in ordered})
    if len(labels) > 1:
        detail = "also in " + ", ".join(labels)
        sources = [picture.source for picture in ordered]
        return None, [Refusal(each.name, each.label, Reason.CONFLICT, detail, each.size) for each in sources]
    kept, *copied = ordered
    return kept, [Duplicate(picture.source.name, kept.source.name) for picture in copied]
