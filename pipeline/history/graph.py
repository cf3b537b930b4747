"""A lineage as Graphviz' DOT, and as SVG where Graphviz is installed."""

import shutil
import subprocess
from pathlib import Path

from easel_serving.registry import files

from pipeline.history.lineage import Edge, Lineage
from trainer.base.errors import UserError

FORMATS = (".dot", ".svg", ".png", ".pdf")


def dot(lineage: Lineage) -> str:
    """The graph: folders, then one box for each step, labelled with its run, and the version at the end.

    Arrows are artifacts, dashed where retention removed their files.
    """
    lines = [
        "digraph lineage {",
        "  rankdir=LR; bgcolor=white;",
        '  node [shape=box, style="rounded,filled", fillcolor="#f6f6f8", fontname="Helvetica", margin="0.2,0.1"];',
        '  edge [color="#6b6b75", fontcolor="#6b6b75", fontname="Helvetica", fontsize=9];',
    ]
    for step in lineage.steps:
        label = f"{step.node}\nrun {step.run}, {step.seconds:,.1f} s\ncode {step.code}"
        lines.append(f"  step{step.id} [label={_quoted(label)}];")
        if step.folder:
            lines.append(f"  folder{step.id} [label={_quoted(step.folder)}, shape=folder];")
            lines.append(f"  folder{step.id} -> step{step.id};")
    ways: dict[tuple[int, int], list[Edge]] = {}
    for edge in lineage.edges:
        ways.setdefault((edge.source, edge.target), []).append(edge)
    for (source, target), edges in ways.items():
        label = "\n".join(dict.fromkeys(edge.artifact for edge in edges))
        style = "" if all(edge.live for edge in edges) else ", style=dashed"
        lines.append(f"  step{source} -> step{target} [label={_quoted(label)}{style}];")
    title = f"{lineage.model} version {lineage.version}\n{lineage.created}"
    lines.append(f"  version [label={_quoted(title)}, shape=doubleoctagon];")
    if lineage.steps:
        lines.append(f"  step{lineage.steps[-1].id} -> version;")
    return "\n".join([*lines, "}", ""])


def write(lineage: Lineage, path: Path) -> None:
    """Draws the graph; the ending of the file's name says how.

    Raises:
        UserError: another ending, or Graphviz is needed and not there, or fails.
    """
    if path.suffix not in FORMATS:
        raise UserError(f"--graph {path}: must end in {', '.join(FORMATS)}")
    if path.suffix == ".dot":
        files.write(path, dot(lineage))
        return
    program = shutil.which("dot")
    if program is None:
        raise UserError(f"--graph {path}: needs Graphviz' `dot`; install the package graphviz, or write a .dot file")
    done = subprocess.run(
        [program, f"-T{path.suffix[1:]}"], input=dot(lineage).encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise UserError(
            f"--graph {path}: Graphviz failed ({done.stderr.decode(errors='replace').strip() or done.returncode})"
        )
    files.write(path, done.stdout)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
