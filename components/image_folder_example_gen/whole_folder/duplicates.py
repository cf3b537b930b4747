"""Byte-identical copies, and what the ledger knows of the same content."""

from collections.abc import Iterable

from components.image_folder_example_gen.vocabulary.files import Duplicate, Picture, Refusal, Source
from components.image_folder_example_gen.vocabulary.reasons import Reason


def resolve_all(
    found: Iterable[Picture | tuple[str, str]],
) -> tuple[list[Picture], list[Duplicate | Refusal], list[tuple[str, str]]]:
    """Sorts out files and lines of the ledger: one image for each content.

    Returns:
        The images, with the split of the ledger as `earlier`; what became of other files; and lines of the ledger that
        none of the images is of.
    """
    copies: dict[str, list[Picture]] = {}
    earlier: dict[str, str] = {}
    for each in found:
        if isinstance(each, Picture):
            copies.setdefault(each.sha256, []).append(each)
        else:
            sha256, split = each
            earlier[sha256] = split
    unique, others = [], []
    for sha256, group in sorted(copies.items()):
        kept, rest = resolve(group) if len(group) > 1 else (group[0], [])
        others += rest
        if kept:
            split = earlier.pop(sha256, "")
            unique.append(kept._replace(earlier=split) if split else kept)
    return unique, others, sorted(earlier.items())


def resolve(copies: Iterable[Picture]) -> tuple[Picture | None, list[Duplicate | Refusal]]:
    """What becomes of files with the same content: one is kept, or none if they are in folders of different classes.

    Where the folders split the images, a copy in the eval folder is the one that is kept, so that the eval set is what
    the person made it and no copy of it is trained on. Otherwise the first by name is kept, whatever the order here.
    """
    ordered = sorted(copies, key=lambda picture: (picture.source.split != "eval", picture.source.name))
    labels = sorted({picture.source.label for picture in ordered})
    if len(labels) > 1:
        sources = [picture.source for picture in ordered]
        return None, [
            Refusal(each.name, each.label, Reason.CONFLICT, f"same bytes as {_elsewhere(each, sources)}", each.size)
            for each in sources
        ]
    kept, *copied = ordered
    return kept, [Duplicate(picture.source.name, kept.source.name) for picture in copied]


def _elsewhere(source: Source, copies: Iterable[Source]) -> str:
    """A copy in each of the other classes."""
    first: dict[str, str] = {}
    for each in copies:
        if each.label != source.label:
            first.setdefault(each.label, each.name)
    return ", ".join(first.values())
