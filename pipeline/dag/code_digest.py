"""Digests of our own source, so that TFX's cache sees a change of code.

TFX hashes a `module_file`, but a component that is given an import path (`run_fn="trainer.style.training.run.run_fn"`)
looks unchanged to its cache when the code behind the path changes. The digest of everything that a module imports from
our rooms goes into the component's execution properties: an edited loss retrains what uses that loss, nothing else.
"""

import ast
import functools
import hashlib
import importlib.util
from pathlib import Path

ROOMS = ("components", "trainer", "easel_serving")


def digest(*modules: str) -> str:
    """SHA-256 (hex, 16 digits) of the source of the modules and of all of ours that they import, transitively."""
    total = hashlib.sha256()
    for module, path in sorted(closure(*modules).items()):
        total.update(f"{module}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def closure(*modules: str) -> dict[str, Path]:
    """The modules of ours that `modules` need, themselves and their packages included, with their files.

    Imports are read from the syntax tree, those inside functions included; nothing is executed.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = None if module in found else _source(module)
        if path is not None:
            found[module] = path
            waiting += [*_imports(module, path), *_parents(module)]
    return found


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@functools.cache
def _source(module: str) -> Path | None:
    """The file of a module of ours; None for a name inside a module and for everybody else's modules."""
    if module.split(".")[0] not in ROOMS:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(module: str, path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.ImportFrom):
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.split(".")[0] in ROOMS]
