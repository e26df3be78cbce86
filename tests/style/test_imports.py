"""What an import costs: the package itself is light, every module stands alone, heavy libraries come when needed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.style.sources import PACKAGE, ROOT, Source, assert_none, source, sources

HEAVY = {"matplotlib", "pandas", "pyarrow", "sklearn", "torch", "transformers"}
"""Libraries that take a tenth of a second and more; they load with the stage that needs them."""

MAY_IMPORT_TRANSFORMERS = {
    "src/tunesmith/models/encoders/grouped.py",
    "src/tunesmith/export/pipelines.py",
    "src/tunesmith/export/targets/sentence_transformers.py",
}
"""Everything else loads and runs a bundle without it; an export is read again by those that it is for."""

_NEW_LIBRARIES = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module({name!r})
new = {{module.split(".")[0] for module in set(sys.modules) - before}}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""

_EACH_ALONE = """
import importlib, json, sys, traceback
failures = {}
for name in json.load(sys.stdin):
    for loaded in [module for module in sys.modules if module.split(".")[0] == "tunesmith"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception:
        failures[name] = traceback.format_exc().strip().splitlines()[-1]
print(json.dumps(failures))
"""


def run_python(code: str, *, stdin: str = "", path: str = str(ROOT / "src")) -> str:
    """Run code in a fresh interpreter that finds the package in ``path``, and give its output."""
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_libraries(name: str, *, path: str = str(ROOT / "src")) -> set[str]:
    """Top-level packages outside the standard library that importing ``name`` loads, itself apart."""
    return set(json.loads(run_python(_NEW_LIBRARIES.format(name=name), path=path))) - {name.split(".", maxsplit=1)[0]}


_ALL_TOGETHER = """
import importlib, json, sys
for name in json.load(sys.stdin):
    importlib.import_module(name)
"""


def import_failures(names: list[str], *, path: str = str(ROOT / "src")) -> dict[str, str]:
    """Import each module as the first of the package, and give the last line of what went wrong."""
    failures: dict[str, str] = json.loads(run_python(_EACH_ALONE, stdin=json.dumps(names), path=path))
    return failures


def eager_heavy_imports(file: Source) -> list[str]:
    """Heavy libraries that a file loads whenever it is imported; what stands under TYPE_CHECKING is not loaded."""
    return [
        f"{file.path}:{node.lineno}: loads {name}"
        for statement in file.tree.body
        if not (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test))
        for node, name in _imports(statement, into_functions=False)
        if name in HEAVY
    ]


def transformers_imports(file: Source) -> list[str]:
    """Where a file that may not imports transformers, be it inside a function."""
    return [
        f"{file.path}:{node.lineno}: imports transformers"
        for node, name in _imports(file.tree, into_functions=True)
        if name == "transformers" and file.path not in MAY_IMPORT_TRANSFORMERS
    ]


def _imports(tree: ast.AST, *, into_functions: bool) -> list[tuple[ast.Import | ast.ImportFrom, str]]:
    """Import statements below a node, each with the top-level name it loads."""
    if isinstance(tree, ast.Import):
        return [(tree, alias.name.split(".")[0]) for alias in tree.names]
    if isinstance(tree, ast.ImportFrom):
        return [(tree, (tree.module or "").split(".")[0])] if tree.level == 0 else []
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef) and not into_functions:
        return []
    return [found for child in ast.iter_child_nodes(tree) for found in _imports(child, into_functions=into_functions)]


def test_importing_the_package_loads_only_the_standard_library() -> None:
    """``import tunesmith`` must load no library at all."""
    assert new_libraries("tunesmith") == set()


def test_a_loaded_library_is_found(tmp_path: Path) -> None:
    """A package that loads a library must be found out, also where a module of its own does it."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text("from heavy import inner")
    (tmp_path / "heavy" / "inner.py").write_text("import iniconfig")
    assert new_libraries("heavy", path=str(tmp_path)) == {"iniconfig"}


def module_of(path: Path, package: Path) -> str:
    """The dotted name of a file of a package."""
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def in_rings(package: Path) -> list[str]:
    """Modules that import one another in a ring, or lie between two: in what order they come first may matter."""
    files = {module_of(path, package): path for path in sorted(package.rglob("*.py"))}
    left = {name: _needed(path, name, files.keys()) for name, path in files.items()}
    while True:
        needed = set().union(*left.values())
        ends = [name for name in left if not left[name] & left.keys() or name not in needed]
        if not ends:
            return sorted(left)
        left = {name: below for name, below in left.items() if name not in ends}


def _needed(path: Path, name: str, modules: Iterable[str]) -> set[str]:
    """Modules of the package that are loaded when one is imported, the packages around each among them."""
    tree = ast.parse(path.read_text("utf-8"))
    eager = [each for each in tree.body if not (isinstance(each, ast.If) and "TYPE_CHECKING" in ast.unparse(each.test))]
    wanted = {name}
    for statement in eager:
        for node in _statements(statement):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif node.module is not None:
                wanted |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    around = {each.rsplit(".", n)[0] for each in wanted for n in range(1, each.count(".") + 1)}
    return ((wanted | around) & set(modules)) - {name}


def _statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements that run when a module does."""
    if isinstance(tree, ast.Import | ast.ImportFrom):
        yield tree
    elif not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(tree):
            yield from _statements(child)


def test_every_module_imports_on_its_own() -> None:
    """Whichever is imported first: outside of rings the order does not matter, those within are tried one by one."""
    names = [module_of(path, PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
    assert len(names) > 300
    run_python(_ALL_TOGETHER, stdin=json.dumps(names))
    assert_none([f"{name}: {problem}" for name, problem in import_failures(in_rings(PACKAGE)).items()])


def test_a_module_that_fails_alone_is_found(tmp_path: Path) -> None:
    """Two modules that only import in one order must be found out in the other."""
    package = tmp_path / "tunesmith"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text("import tunesmith.second\nvalue = 1")
    (package / "second.py").write_text("from tunesmith.first import value")
    (package / "third.py").write_text("def late():\n    import tunesmith.first")
    assert in_rings(package) == ["tunesmith.first", "tunesmith.second"]
    failures = import_failures(in_rings(package), path=str(tmp_path))
    assert set(failures) == {"tunesmith.first"}
    assert "cannot import name 'value'" in failures["tunesmith.first"]


def test_a_ring_through_a_package_is_found(tmp_path: Path) -> None:
    """A package that loads a module of its own, which loads another that needs the package."""
    package = tmp_path / "tunesmith"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("from tunesmith.inner.one import value")
    (package / "inner" / "one.py").write_text("from tunesmith import other\nvalue = 1")
    (package / "other.py").write_text("from tunesmith.inner import value")
    assert in_rings(package) == ["tunesmith.inner", "tunesmith.inner.one", "tunesmith.other"]
    failures = import_failures(in_rings(package), path=str(tmp_path))
    assert set(failures) == {"tunesmith.inner", "tunesmith.inner.one"}


def test_packages_load_no_heavy_library() -> None:
    """An ``__init__`` must not load a heavy library, so that a stage loads what it needs and no more."""
    files = [file for file in sources("src/tunesmith") if file.path.endswith("/__init__.py")]
    assert files
    assert_none([failure for file in files for failure in eager_heavy_imports(file)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch.nn", ["a.py:1: loads torch"]),
        ("try:\n    from sklearn import svm\nexcept ImportError:\n    pass", ["a.py:2: loads sklearn"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", []),
        ("def f():\n    import torch", []),
        ("from . import torch", []),
    ],
)
def test_an_eager_heavy_import_is_found(text: str, expected: list[str]) -> None:
    """What runs at import must be found; what waits in a function or for a type checker must not."""
    assert eager_heavy_imports(source("a.py", text)) == expected


def test_only_the_grouped_encoder_and_exports_import_transformers() -> None:
    """Nothing on the way of a flat encoder may import transformers, not even late."""
    assert_none([failure for file in sources("src/tunesmith") for failure in transformers_imports(file)])


def test_an_import_of_transformers_is_found() -> None:
    """A late import must be found in any file but the one that may."""
    text = "def f():\n    from transformers import AutoModel"
    assert transformers_imports(source("a.py", text)) == ["a.py:2: imports transformers"]
    assert transformers_imports(source("src/tunesmith/models/encoders/grouped.py", text)) == []
