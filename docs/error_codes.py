"""Every error code of the package with what its messages look like, read from the sources without importing them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "tunesmith"
PARTS = ("message", "found", "allowed", "advice")
NOT_FOR_USERS = ("shape",)
"""Codes that only a bug of a caller of our functions brings."""

_ANYTHING = r".*?"
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+|stopped|internal|shape")


@dataclass(frozen=True)
class Raised:
    """One place where an error is made."""

    code: str
    kind: str
    """Name of its class."""
    exit_code: int
    place: str
    """File and line within the package."""
    parts: dict[str, str]
    """Part of the message to a regular expression of what can stand there."""


@cache
def raised_errors(package: Path = PACKAGE) -> list[Raised]:
    """Find every place of the package that makes an error of the tree.

    Args:
        package: Folder of the package.

    Returns:
        In the order of the files; a place that can give several codes is there once for each.

    Raises:
        ValueError: A code cannot be told from the source.
    """
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(package.rglob("*.py"))}
    exit_codes = _exit_codes(trees[package / "errors.py"])
    kinds = _family_kinds(trees.values())
    defaults = {code for tree in trees.values() for code in _codes_passed_on(tree)}
    found = []
    for path, tree in trees.items():
        for call in _calls(tree, exit_codes):
            name = ast.unparse(call.func).split(".")[-1]
            place = f"{path.relative_to(package).as_posix()}:{call.lineno}"
            codes = ["shape"] if name == "ShapeError" else _codes(call.args[0], kinds, defaults, place)
            found += [Raised(code, name, exit_codes[name], place, _parts(call)) for code in codes]
    return found


def by_code(errors: list[Raised]) -> dict[str, list[Raised]]:
    """Sort places by what they raise.

    Args:
        errors: As found.

    Returns:
        Code to its places, codes in the order of the alphabet; without those that no user meets.
    """
    sorted_out = defaultdict(list)
    for error in errors:
        if error.code not in NOT_FOR_USERS:
            sorted_out[error.code].append(error)
    return dict(sorted(sorted_out.items()))


def _exit_codes(tree: ast.Module) -> dict[str, int]:
    """Class of the tree to its exit code."""
    codes: dict[str, int] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        own = [
            int(ast.unparse(statement.value))
            for statement in node.body
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "exit_code"
        ]
        parents = [codes[name] for name in map(ast.unparse, node.bases) if name in codes]
        codes[node.name] = (own or parents)[0]
    return codes


def _family_kinds(trees: Iterable[ast.Module]) -> list[str]:
    """What members of families are called, which is part of the code ``unknown-…``."""
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if ast.unparse(call.func) == "Family" and call.args]
    return sorted(node.value for node in named if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _codes_passed_on(tree: ast.Module) -> Iterator[str]:
    """Codes that reach an error through a parameter ``code``: its defaults, and what callers give for it."""
    for node in ast.walk(tree):
        given: list[tuple[str, ast.expr | None]] = []
        if isinstance(node, ast.FunctionDef):
            given += zip((a.arg for a in node.args.kwonlyargs), node.args.kw_defaults, strict=True)
        if isinstance(node, ast.Call):
            given += [(keyword.arg or "", keyword.value) for keyword in node.keywords]
        for name, value in given:
            if name == "code" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def _calls(tree: ast.Module, names: dict[str, int]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names and node.args:
            yield node


def _codes(node: ast.expr, kinds: list[str], passed_on: set[str], place: str) -> list[str]:
    """Codes that an expression can be."""
    match node:
        case ast.Constant(value=str(code)):
            codes = [code]
        case ast.IfExp(body=body, orelse=other):
            codes = [code for branch in (body, other) for code in _codes(branch, kinds, passed_on, place)]
        case ast.JoinedStr() if ast.unparse(node) == "f'unknown-{self.kind}'":
            codes = [f"unknown-{kind}" for kind in kinds]
        case ast.Name(id="code"):
            codes = sorted(passed_on)
        case _:
            raise ValueError(f"{place}: cannot tell which code {ast.unparse(node)} is")
    wrong = [code for code in codes if not _CODE.fullmatch(code)]
    if wrong:
        raise ValueError(f"{place}: {wrong} is no code of words")
    return codes


def _parts(call: ast.Call) -> dict[str, str]:
    """What each part of a message can be, as a regular expression."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if len(call.args) > 1:
        given["message"] = call.args[1]
    return {name: pattern(given[name]) for name in PARTS if name in given}


def pattern(node: ast.expr) -> str:
    """Turn an expression of text into a regular expression of all that it can be.

    Args:
        node: A constant, a formatted text, a choice between them, or anything.

    Returns:
        The expression; what cannot be told is ``.*?``.
    """
    match node:
        case ast.Constant(value=str(text)):
            return re.escape(" ".join(text.split())) if text.strip() == text else re.escape(text)
        case ast.JoinedStr(values=values):
            return "".join(
                re.escape(str(value.value)) if isinstance(value, ast.Constant) else _ANYTHING for value in values
            )
        case ast.IfExp(body=body, orelse=other):
            return f"(?:{pattern(body)}|{pattern(other)})"
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return pattern(left) + pattern(right)
        case _:
            return _ANYTHING


def family_codes(errors: list[Raised]) -> list[str]:
    """List the codes that families make of their kinds.

    Args:
        errors: As found.

    Returns:
        Such as ``unknown-rung``, ascending.
    """
    return sorted({error.code for error in errors if error.place.startswith("config/families.py:")})
