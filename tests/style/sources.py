"""The source files that the style tests read, and what their checks share."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tunesmith"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One parsed file: where it lies, told from the project's root, and what it holds."""

    path: str
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Definition:
    """A function or class, its dotted name within the file, and the class whose body holds it, if any."""

    node: Function | ast.ClassDef
    name: str
    owner: ast.ClassDef | None
    nested: bool
    """Inside a function, so that nobody outside can reach it."""

    @property
    def is_public(self) -> bool:
        """Reachable under a name none of whose parts begins with an underscore."""
        return not self.nested and not any(part.startswith("_") for part in self.name.split("."))


def source(path: str, text: str) -> Source:
    """Parse one file."""
    return Source(path, text, ast.parse(text))


def sources(*folders: str) -> list[Source]:
    """Parse every Python file of the folders, given from the project's root; absent folders hold none."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths]


def assert_none(failures: list[str]) -> None:
    """Fail with one line a failure and nothing around it."""
    if failures:
        pytest.fail("\n".join([f"{len(failures)} found", *failures]), pytrace=False)


def definitions(tree: ast.Module) -> Iterator[Definition]:
    """Every function and class of a file, outermost first."""
    yield from _definitions(tree, prefix="", owner=None, nested=False)


def _definitions(node: ast.AST, *, prefix: str, owner: ast.ClassDef | None, nested: bool) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = prefix + child.name
            yield Definition(child, name, owner, nested)
            inside = child if isinstance(child, ast.ClassDef) else None
            yield from _definitions(child, prefix=f"{name}.", owner=inside, nested=nested or inside is None)
        else:
            yield from _definitions(child, prefix=prefix, owner=owner, nested=nested)


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's own body, without those of functions and classes defined inside it."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def own_parameters(function: Function, owner: ast.ClassDef | None) -> tuple[list[str], list[str]]:
    """Names that a caller can give: positional ones and keyword-only ones, ``*`` and ``**`` among the latter."""
    positional = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)
    if owner is not None and not is_static:
        positional = positional[1:]
    stars = [f"{mark}{star.arg}" for mark, star in (("*", function.args.vararg), ("**", function.args.kwarg)) if star]
    return positional, [*(argument.arg for argument in function.args.kwonlyargs), *stars]


def body_without_docstring(function: Function) -> list[ast.stmt]:
    """The statements of a function after its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def project_files() -> list[str]:
    """Every file that git tracks or would add, told from the project's root; without git, every file."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    return sorted(name for name in names if (ROOT / name).is_file())
