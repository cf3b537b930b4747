"""The model card: a manifest in words and tables (Mitchell et al. 2019, "Model Cards for Model Reporting")."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_MARKUP = re.compile(
    r"[*|]|\](?=[(\[])|<(?=[A-Za-z/!?])|\\(?=[!-/:-@\[-`{-~])|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|^[\[>]|^[#+-]+(?=\s)",
    re.ASCII,
)
"""What Markdown would take for more than text in a class, a file's name or a reason."""


class _Markdown(str):
    """Text of our own, with markup that is meant."""


def render(manifest: Mapping[str, Any], pictures: Mapping[str, Iterable[str]]) -> str:
    """Markdown for one version; sections of which the manifest says nothing are left out.

    `pictures` has paths as seen from the card, by class or painting.
    """
    parts = [
        f"# {manifest['model']}, version {manifest['version']}",
        _lead(manifest),
        _section("Metrics", _metrics(manifest.get("metrics", {}), manifest.get("trivials", {}))),
        _section("Why it was approved", _bullets(manifest.get("reasons", []))),
        _section("Checks", _checks(manifest.get("checks", []))),
        _section("Pictures", _pictures(pictures)),
        _section("TFLite", _tflite(manifest.get("tflite", []))),
        _section("Signatures", _signatures(manifest.get("signatures", {}))),
        _section("Data", _mapping(manifest.get("data", {}))),
        _section("Training", _mapping(manifest.get("training", {}))),
        _section("Lineage", _mapping(manifest.get("lineage", {}))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _lead(manifest: Mapping[str, Any]) -> str:
    lines = [f"Pushed {manifest['created']}." if manifest.get("created") else ""]
    if manifest.get("demo"):
        lines.append("**A demonstration: trained without pretrained weights or on drawn images; not for real use.**")
    lines += map(_plain, manifest.get("notes", []))
    lines.append(f"Content digest `{manifest['digest']}`.")
    return "\n\n".join(line for line in lines if line)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _metrics(metrics: Mapping[str, Any], trivials: Mapping[str, Mapping[str, Any]]) -> str:
    """The version beside what it was measured against; the trivial models by name where the manifest has them."""
    shown = {name: metrics[name] for name in ("candidate", "champion") if metrics.get(name)}
    shown |= trivials or ({"trivial": metrics["trivial"]} if metrics.get("trivial") else {})
    names = sorted({metric for figures in shown.values() for metric in figures})
    rows = [[name, *(_number(figures.get(name)) for figures in shown.values())] for name in names]
    return _table(["metric", *shown], rows)


def _checks(checks: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            check.get("metric", ""),
            check.get("slice") or "all",
            _number(check.get("value")),
            str(check.get("rule", "")),
            _number(check.get("bound")),
            "yes" if check.get("passed") else "no",
        ]
        for check in checks
    ]
    return _table(["metric", "slice", "value", "rule", "bound", "passed"], rows)


def _tflite(variants: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            variant["part"],
            variant["variant"],
            f"{variant['bytes'] / 1e6:.2f} MB",
            variant["verdict"],
            ", ".join(f"{key} {_number(value)}" for key, value in variant.get("metrics", {}).items()),
            variant.get("reason", ""),
        ]
        for variant in variants
    ]
    return _table(["part", "variant", "size", "verdict", "metrics", "reason"], rows)


def _signatures(signatures: Mapping[str, Any]) -> str:
    rows = [
        [name, ", ".join(signature["inputs"]), ", ".join(signature["outputs"])]
        for name, signature in sorted(signatures.items())
    ]
    return _table(["signature", "inputs", "outputs"], rows)


def _pictures(pictures: Mapping[str, Iterable[str]]) -> str:
    rows = []
    for name, paths in pictures.items():
        inside = _plain(name.translate({ord("["): "(", ord("]"): ")"}))  # brackets would end it
        rows.append([name, _Markdown(" ".join(f"![{inside}]({path})" for path in paths))])
    return _table(["name", "pictures"], rows)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(line)}" for line in lines)


def _mapping(values: Mapping[str, Any], prefix: str = "") -> str:
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{prefix}- {_plain(key)}:", _mapping(value, prefix + "  ")] if value else []
        elif isinstance(value, list):
            shown = ", ".join(_plain(_number(item)) for item in value[:12])
            lines.append(f"{prefix}- {_plain(key)}: {shown}{f', ... ({len(value)})' if len(value) > 12 else ''}")
        else:
            lines.append(f"{prefix}- {_plain(key)}: {_plain(_number(value))}")
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    cells = [[cell if isinstance(cell, _Markdown) else _plain(cell) for cell in row] for row in [head, *rows]]
    cells.insert(1, ["---"] * len(head))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """Text from outside in one line, shown as it is."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
