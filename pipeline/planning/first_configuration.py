"""What `easel init` writes: a configuration for folders as they were found, with the reasons for what it says."""

import json
import os
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from pipeline.configuration.config import load
from pipeline.configuration.file import ConfigError, one_line
from pipeline.configuration.lanes import ClassifierLane
from pipeline.planning import weights
from pipeline.planning.discovery import Found, Images
from pipeline.progress.wording import number
from trainer.base.errors import UserError
from trainer.networks.backbone_table import Backbone, find

NAME = "easel.yaml"
_PLAIN = re.compile(r"[\w/][\w/.-]*", re.ASCII)
_CLASSES = 12
"""Named in a comment."""
_LAYOUTS = {
    "classes": "a folder for each class",
    "split": "folders for training and evaluation, in each a folder for each class",
    "labels.csv": "the classes are in labels.csv",
    "flat": "one folder",
}

_HEAD = """\
# Written by `easel init` for the folders that it found. Everything may be changed; paths are relative to this file.
#
#   easel check {file}           looks at every image, says what a run would do, and trains nothing
#   easel run {file}             validates, trains, measures, and pushes what is good enough
#   easel config show {file}     all keys with their defaults; `easel config schema` explains them
#
# Artifacts, history and, in `serving`, what is served go to `easel-workspace` beside this file:
# workspace: easel-workspace
"""
_CLASSIFIER = """
# Photos become a classifier.
classifier:
{about}
  photos: {photos}
  backbone:
{backbone}
"""
_STYLE = """
# Photos and paintings become a network that paints any photo in the manner of any painting.
style:
{about}
  photos: {photos}
  paintings: {paintings}
{networks}
"""
_PRETRAINED = """\
    # A network that knows ImageNet's million photos; Keras downloads its weights once. Without a network write the
    # path of the file, or `name: small_cnn` and `weights: none`, which learns from your photos alone and needs many.
    name: {name}
    weights: imagenet
"""
_SCRATCH = """\
    # The weights of {name} for ImageNet, which make much of few photos, are not here and could not be downloaded.
    # This small network learns from your photos alone. With a network, or the file (then `weights` is its path):
    # name: {name}
    # weights: imagenet
    name: small_cnn
    weights: none
"""
_PERCEPTION = """\
  # VGG19 judges what is painted, MobileNetV2 reads the paintings; Keras downloads their weights once, or write the
  # paths of the files. `perceptual: {weights: light}` ships with Easel and takes a fifth of the time, but
  # judges a little less well.
  perceptual: {weights: imagenet}
  encoder: {weights: imagenet}
"""
_LIGHT = """\
  # What is painted is judged by VGG19, whose weights for ImageNet are not here and could not be downloaded, or by a
  # smaller network that ships with Easel (`light`). With a network write `imagenet`, with the file its path.
  perceptual: {weights: light}
  # What reads the paintings comes with the network that the training starts from, which ships, too.
  encoder: {weights: none}
"""


def write(found: Found) -> Path:
    """Writes `easel.yaml` where it belongs, and reads it back.

    Raises:
        UserError: there is one already, which stays as it is; it cannot be written; a folder's name cannot be written
            in a configuration.
    """
    path = found.base / NAME
    text = compose(found)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{path}: exists and stays as it is; `easel check` looks at its folders") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        load(path)
    except ConfigError:
        path.unlink()
        raise
    return path


def compose(found: Found) -> str:
    """The text of the configuration."""
    parts = [_HEAD.format(file=NAME)]
    if photos := found.classifier_photos:
        row = find(ClassifierLane.model_fields["backbone"].default.name)
        template = _PRETRAINED if _to_be_had(row) else _SCRATCH
        parts.append(
            _CLASSIFIER.format(
                about=_comment(_about(photos)),
                photos=_scalar(found.base, photos.folder),
                backbone=template.format(name=row.name).rstrip(),
            )
        )
    else:
        parts.append("\n# No classifier: no photos here lie in folders of two classes or more.\n")
    if (photos := found.style_photos) and (paintings := found.paintings):
        networks = _PERCEPTION if _to_be_had(find("VGG19"), find("MobileNetV2")) else _LIGHT
        about = (f"{_about(photos)}, to learn to paint from", f"{number(paintings.count)} paintings")
        parts.append(
            _STYLE.format(
                about=_comment(*about),
                photos=_scalar(found.base, photos.folder),
                paintings=_scalar(found.base, paintings.folder),
                networks=networks.rstrip(),
            )
        )
    else:
        parts.append("\n# No style network: that needs a folder called `paintings` with some beside the photos.\n")
    return "".join(parts)


def _to_be_had(*backbones: Backbone) -> bool:
    return not any(map(weights.fault, backbones))


def _about(images: Images) -> str:
    said = f"{number(images.count)} images, {_LAYOUTS[images.layout]}"
    if not images.tells_apart:
        return said
    first = [f"{label} {number(count)}" for label, count in list(images.classes.items())[:_CLASSES]]
    more = len(images.classes) - len(first)
    return f"{said}; {len(images.classes)} classes: {', '.join(first)}" + (f" and {more} more" if more else "")


def _comment(*lines: str) -> str:
    return "\n".join(_wrapped(map(one_line, lines)))


def _wrapped(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        yield from textwrap.wrap(line, 116, initial_indent="  # ", subsequent_indent="  # ", break_long_words=False)


def _scalar(base: Path, folder: str) -> str:
    """The path of a folder as YAML, relative to the file.

    Raises:
        UserError: the name has what a configuration reads as something else.
    """
    text = os.path.relpath(folder, base)
    literal = text.replace("{SPAN}", "").replace("{YYYY}-{MM}-{DD}", "")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{one_line(folder)}: a name that is not UTF-8 cannot be written in a configuration") from error
    if "${" in literal:
        raise UserError(f"{folder}: `${{` in a configuration stands for a variable: rename the folder")
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
