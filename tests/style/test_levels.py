"""A module imports only from a lower level, and two packages of one level never import each other."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator

from tests.style.sources import Source, assert_none, source, sources

LEVELS = {
    name: level
    for level, names in enumerate(
        [
            "errors types",
            "config files machine sample",
            "data models",
            "train evaluate runtimes",
            "tasks",
            "bundle run track",
            "pretrain",
            "ladder",
            "explain export compress report federate select",
            "serve search",
            "api",
            "cli",
        ]
    )
    for name in names.split()
}
"""The table of the design: a name directly under the package, and its level."""

ROOT_NAMES = {"__version__"}
"""What the package's own ``__init__`` holds without importing anything."""

TOP = max(LEVELS.values()) + 1
"""Above all: ``__init__``, which offers the api, and ``__main__``, which starts the command line."""


def level_failures(file: Source) -> list[str]:
    """Check one file of the package; each failure begins with ``file:line``."""
    parts = file.path.removeprefix("src/tunesmith/").removesuffix(".py").split("/")
    unit = parts[0]
    if unit not in LEVELS and unit not in {"__init__", "__main__"}:
        return [f"{file.path}:1: {unit!r} is not in the table of levels"]
    level = LEVELS.get(unit, TOP)
    failures = []
    for line, dotted in package_imports(file):
        target = dotted.split(".")[1]
        if target == unit:
            continue
        if target not in LEVELS:
            failures.append(f"{file.path}:{line}: imports {target!r}, which is not in the table of levels")
        elif LEVELS[target] >= level:
            relation = "its own" if LEVELS[target] == level else "a higher"
            failures.append(
                f"{file.path}:{line}: {unit} (level {level}) imports {target} ({LEVELS[target]}), of {relation} level"
            )
    return failures


def cycle_failures(files: list[Source]) -> list[str]:
    """Look for modules that import each other in a ring; an import inside a function still counts."""
    modules = {_module_name(file.path): file for file in files}
    graph = {}
    for name, file in modules.items():
        targets = [dotted for _, dotted in package_imports(file)]
        nearest = {target if target in modules else target.rpartition(".")[0] for target in targets}
        graph[name] = nearest - {name, "tunesmith"}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        ring = [name for name in error.args[1] if name in modules]
        return [f"{modules[ring[0]].path}:1: a ring of imports: {' <- '.join(ring)}"]
    return []


def package_imports(file: Source) -> Iterator[tuple[int, str]]:
    """Lines that import from the package, wherever they stand, each with the absolute dotted name."""
    package = file.path.removeprefix("src/tunesmith/").split("/")[:-1]
    for node in ast.walk(file.tree):
        for dotted in _dotted_names(node, package):
            parts = dotted.split(".")
            if parts[0] == "tunesmith" and len(parts) > 1 and parts[1] not in ROOT_NAMES:
                yield node.lineno, dotted


def _module_name(path: str) -> str:
    """The dotted name under which a file of the package is imported."""
    return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _dotted_names(node: ast.AST, package: list[str]) -> list[str]:
    """What one node imports, as absolute dotted names."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=0):
            return [f"{module}.{alias.name}" for alias in names]
        case ast.ImportFrom(module=module, names=names, level=dots):
            base = ["tunesmith", *package][: len(package) + 2 - dots]
            return [".".join([*base, *([module] if module else []), alias.name]) for alias in names]
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
    return []


def test_every_import_leads_down() -> None:
    """No file of the package may import from its own or a higher level, lazily or for typing included."""
    files = sources("src/tunesmith")
    assert files
    assert_none([failure for file in files for failure in level_failures(file)])


def test_an_upward_import_is_found() -> None:
    """An import from above must be found in each of its forms, with its line."""
    forms = [
        "import tunesmith.ladder",
        "from tunesmith import ladder",
        "from tunesmith.ladder.climb import climb",
        "from ..ladder import climb",
        "import importlib\nimportlib.import_module('tunesmith.ladder')",
        "def later():\n    from tunesmith.ladder import climb",
    ]
    for form in forms:
        line = form.count("\n") + 1
        failures = level_failures(source("src/tunesmith/data/read.py", form))
        assert failures == [f"src/tunesmith/data/read.py:{line}: data (level 2) imports ladder (7), of a higher level"]


def test_a_neighbour_import_is_found() -> None:
    """Two packages of one level must not import each other."""
    failures = level_failures(source("src/tunesmith/data/read.py", "\nfrom tunesmith.models.base import find_base"))
    assert failures == ["src/tunesmith/data/read.py:2: data (level 2) imports models (2), of its own level"]


def test_a_name_outside_the_table_is_found() -> None:
    """A new package must be given a level, both where it lies and where it is imported."""
    assert level_failures(source("src/tunesmith/extra/new.py", "")) == [
        "src/tunesmith/extra/new.py:1: 'extra' is not in the table of levels"
    ]
    assert level_failures(source("src/tunesmith/cli/main.py", "import tunesmith.extra")) == [
        "src/tunesmith/cli/main.py:1: imports 'extra', which is not in the table of levels"
    ]


def test_imports_that_lead_down_pass() -> None:
    """Imports from below, within a package, of the version, and of other libraries must not be reported."""
    text = (
        "import json\nfrom tunesmith import __version__\nfrom tunesmith.errors import DataError\nfrom . import table\n"
    )
    assert level_failures(source("src/tunesmith/data/read.py", text)) == []
    assert level_failures(source("src/tunesmith/__init__.py", "from tunesmith import api")) == []


def test_no_modules_import_each_other() -> None:
    """Not even within a package may modules import each other in a ring."""
    assert_none(cycle_failures(sources("src/tunesmith")))


def test_a_ring_is_found() -> None:
    """A ring over three modules must be found, also where one import is inside a function."""
    files = [
        source("src/tunesmith/data/__init__.py", "from tunesmith.data.a import x"),
        source("src/tunesmith/data/a.py", "from tunesmith.data.b import x"),
        source("src/tunesmith/data/b.py", "from tunesmith.data import c"),
        source("src/tunesmith/data/c.py", "def f():\n    from . import a"),
    ]
    assert len(cycle_failures(files)) == 1
    assert "a ring of imports" in cycle_failures(files)[0]
    assert cycle_failures([*files[:3], source("src/tunesmith/data/c.py", "import json")]) == []
