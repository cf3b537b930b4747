"""What a run need not import."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_nothing_imports_all_of_tfx():
    """`tfx.v1` brings Google's AI Platform, which is two fifths of the time that a run takes to start."""
    sources = [path for room in ("pipeline", "components", "trainer") for path in (ROOT / room).rglob("*.py")]
    for path in sources:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "tfx" or "v1" not in [alias.name for alias in node.names], path
                assert not (node.module or "").startswith("tfx.v1"), path
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("tfx.v1") for alias in node.names), path
