"""No circles among files, no long classes, no long functions; papers stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

from gridarium.experiments.names.registry import entries

ROOT = Path(__file__).parents[1]
FLOORS = ("environment", "market", "agents", "experiments")
CLASS_LINES, BODY_LINES = 250, 50


def _trees() -> dict[str, ast.Module]:
    """Syntax trees of all modules by name; a package goes by the name of its folder."""
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


TREES = _trees()


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names of modules that a file imports anywhere: within functions and for types only, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("gridarium.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = node.module.removeprefix("gridarium.")
            within = (f"{package}.{alias.name}" for alias in node.names)
            yield from (name if name in TREES else package for name in within)


def _circles(edges: set[tuple[str, str]]) -> set[frozenset[str]]:
    found = nx.strongly_connected_components(nx.DiGraph(edges))
    return {frozenset(files) for files in found if len(files) > 1}


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its first statement to its last, the docstring left out."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_every_import_is_absolute() -> None:
    relative = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert relative == set()


def test_there_is_no_circle_among_files() -> None:
    edges = {(name, other) for name, tree in TREES.items() for other in _imported(tree) if other in TREES}
    assert len(edges) > len(TREES)
    assert _circles(edges) == set()


def test_no_class_is_long() -> None:
    found = {
        f"{name}:{node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno + 1 > CLASS_LINES
    }
    assert found == set()


def test_no_body_of_a_function_is_long() -> None:
    found = {
        f"{name}:{node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > BODY_LINES
    }
    assert found == set()


def test_papers_are_claims_and_little_else() -> None:
    lines = sum(len(path.read_text().splitlines()) for path in (ROOT / "experiments/papers").glob("*.py"))
    assert 0 < lines < 600 * len(entries("papers"))
