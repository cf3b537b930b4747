"""A version's card for a person at a terminal: without pictures, long lists and what has its default value."""

from collections.abc import Mapping
from typing import Any

from easel_serving.registry import card as full
from easel_serving.registry.directory import Version

from pipeline.history import configuration

_MOST = 12
"""Classes that are named."""


def card(version: Version) -> str:
    """The card of a version in Markdown, some fifty lines; `--all` is said to show the rest."""
    manifest = version.manifest
    brief = dict(manifest)
    if version.styles:
        brief["notes"] = [*manifest.get("notes", []), f"Knows the paintings {', '.join(version.styles)}."]
    brief["data"] = {name: _data(facts) for name, facts in manifest.get("data", {}).items()}
    brief["training"] = {key: value for key, value in manifest.get("training", {}).items() if key != "history"}
    lineage = dict(manifest.get("lineage", {}))
    if "configuration" in lineage:
        other = {"style": "classifier", "classifier": "style"}.get(manifest.get("kind", ""))
        own = {key: value for key, value in lineage["configuration"].items() if key != other}
        settings, defaults = configuration.chosen(own)
        lineage["configuration"] = {key: value for key, value in settings.items() if value not in (None, [], {})}
        if defaults:
            lineage["the rest"] = f"{defaults} more keys of the configuration have their defaults; --all shows them"
    brief["lineage"] = lineage
    return full.render(brief, {})


def _data(facts: Mapping[str, Any]) -> dict[str, Any]:
    """`{"files": "300 seen, 298 examples, 2 rejected", "classes": "cat 150, dog 148"}` and the digests."""
    report = facts.get("report", {})
    counts = [f"{value} {key}" for key, value in report.items() if isinstance(value, int) and value]
    classes = [f"{name} {count}" for name, count in report.get("classes", {}).items() if name]
    brief = {"files": ", ".join(counts)}
    if classes:
        more = f", ... ({len(classes)})" if len(classes) > _MOST else ""
        brief["classes"] = ", ".join(classes[:_MOST]) + more
    return brief | {key: value for key, value in facts.items() if key != "report"}
