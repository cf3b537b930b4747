"""The card of the style network that ships (Mitchell et al. 2019, "Model Cards for Model Reporting")."""

from collections.abc import Mapping
from typing import Any

_TEMPLATE = """\
# The style network that ships with Easel, version {version}

A predictor (painting to style code) and a transformer (photo and code to picture) for photos and paintings of any
kind. It paints before anything was trained, and trainings start from it.

## Data

{data}

Held out of training, for the figures below: all paintings of {artists}; and of the well-known ones {paintings}. Kodak's
photos were never learned from.

## Training

{steps:,} steps of `data/configs/pretrained.yaml` (`make pretrained`){before}, on {processor}, {hours:.1f} hours. Code:
commit `{commit}`. What is content and what is style was judged by VGG19 (Oxford VGG, CC BY 4.0), which does not ship.

Derived from: the first blocks of MobileNetV2 (Google, Apache-2.0), whose pooled features the predictor looks at; their
weights, unchanged but for rounding, are in `weights.safetensors`.

## Figures

{figures}

## TFLite

| part | variant | kB | mean PSNR | worst painting of the bank |
|---|---|---|---|---|
{variants}

PSNR in dB, against the network in float32, of {pairs} pictures of 384 pixels.

## What it is bad at

{limits}

## Licence

Apache-2.0, as Easel. The codes in `styles.json` are numbers; no painting and no photo ships.
"""


def render(manifest: Mapping[str, Any], limits: str) -> str:
    """Markdown for a manifest of `data.pretraining.ship`; `limits` is a list of what was seen to be wrong."""
    training, data = manifest["training"], manifest["data"]
    figures = manifest.get("figures")
    return _TEMPLATE.format(
        version=manifest["version"],
        data="\n".join(f"- {what}" for what in data["learned"]),
        artists=", ".join(data["unseen_artists"]),
        paintings=", ".join(data["unseen_paintings"]),
        steps=training["steps"],
        before="".join(
            f" after the {each['steps']:,} of version {each['version']}" for each in training["before"][::-1]
        ),
        processor=training["processor"],
        hours=training["hours"],
        commit=training["commit"],
        figures=_table(figures) if figures else "Not measured.",
        variants="\n".join(
            f"| {row['part']} | {row['variant']} | {row['bytes'] / 1000:,.0f} "
            f"| {row['metrics']['psnr']:.1f} | {row['metrics']['psnr_worst']:.1f} |"
            for row in manifest["tflite"]
        ),
        pairs=max(row["metrics"]["examples"] for row in manifest["tflite"]),
        limits=limits.strip(),
    )


def _table(figures: Mapping[str, Any]) -> str:
    """`{"what", "rows": [{"what", "easel", "magenta"}]}` as a table with a line before it."""
    rows = [f"| {row['what']} | {row['easel']} | {row['magenta']} |" for row in figures["rows"]]
    return "\n".join([figures["what"], "", "| | Easel | Magenta |", "|---|---|---|", *rows])
