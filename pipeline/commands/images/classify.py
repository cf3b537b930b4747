"""`easel classify`: photos labelled by the model that serves."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from easel_serving.protocol.errors import ServingError
from rich.cells import cell_len

from pipeline.commands import failures, options
from pipeline.commands.images import many, painting_options
from pipeline.progress.wording import value

_BEST = 3
"""How many classes a person wants to see; `--json` has all."""
_WIDEST = 60
"""Columns of a photo's name; what is longer pushes the rest of its line to the right."""


@click.command(short_help="Label photos with the model that serves.")
@click.argument("paths", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.serving
@options.server
@options.model
@options.runtime
@options.as_json
def classify(
    paths: tuple[Path, ...], serving: Path, server: str | None, model: str | None, runtime: str, as_json: bool
) -> None:
    """Label photos with the version that serves, and say how sure it is. A folder stands for the photos in it.

    Photos that cannot be read are listed at the end (with --json they have an `error`), and the exit code is then 2.
    """
    options.one_place(server, runtime)
    photos = painting_options.photos(paths)
    width = min(_WIDEST, max(cell_len(str(photo)) for photo in photos))
    with many.work("classified", len(photos), as_json) as work:
        for photo, answer in zip(photos, _answers(work, photos, serving, server, model, runtime), strict=True):
            if "error" in answer:
                work.failed(photo, answer["error"])
            else:
                work.done(_line(answer, width), **answer)


def _answers(
    work: many.Work, photos: Sequence[Path], serving: Path, server: str | None, model: str | None, runtime: str
) -> Iterator[dict[str, Any]]:
    """What the model says of each photo, one after another."""
    if not server:
        from easel_serving.local import LocalModels

        yield from LocalModels(serving, runtime, work.warn).classified(photos, model)
        return
    with options.client(server, classifier=model) as client:
        for photo in photos:
            try:
                [found] = client.classify(photo)
            except ServingError as error:
                if failures.everybodys(error):
                    raise
                yield {"error": str(error)}
            else:
                yield {"path": str(photo), **dataclasses.asdict(found)}


def _line(answer: Mapping[str, Any], width: int) -> str:
    """`photo  label  score  the next best`, in columns."""
    labels = max(map(cell_len, answer["scores"]))
    ranked = sorted(answer["scores"].items(), key=lambda item: -item[1])[1:_BEST]
    others = ", ".join(f"{label} {value(score)}" for label, score in ranked)
    path = answer["path"] + " " * (width - cell_len(answer["path"]))
    label = answer["label"] + " " * (labels - cell_len(answer["label"]))
    return f"{path}  {label}  {value(answer['score'])}  {others}".rstrip()
