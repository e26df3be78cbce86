"""Functions, files, nesting and parameter lists stay small enough to be read at a glance."""

from __future__ import annotations

import ast

from tests.style.sources import (
    Definition,
    Function,
    Source,
    assert_none,
    body_without_docstring,
    definitions,
    own_parameters,
    source,
    sources,
)

MAX_BODY_LINES = 60
MAX_FILE_LINES = 600
MAX_NESTING = 3
MAX_PARAMETERS = 7
MAX_POSITIONAL = 3

_BRANCHING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def length_failures(file: Source) -> list[str]:
    """Files, function bodies and nesting over the limit; each failure begins with ``file:line``."""
    failures = []
    n_lines = len(file.text.splitlines())
    if n_lines > MAX_FILE_LINES:
        failures.append(f"{file.path}:{n_lines}: the file has {n_lines} lines, limit {MAX_FILE_LINES}")
    for found in definitions(file.tree):
        if isinstance(found.node, ast.ClassDef):
            continue
        place = f"{file.path}:{found.node.lineno}: {found.name}"
        if (n_lines := body_lines(found.node)) > MAX_BODY_LINES:
            failures.append(f"{place} has a body of {n_lines} lines, limit {MAX_BODY_LINES}")
        if (depth := nesting(found.node)) > MAX_NESTING:
            failures.append(f"{place} nests control flow {depth} deep, limit {MAX_NESTING}")
    return failures


def parameter_failures(file: Source) -> list[str]:
    """Functions with too many parameters, or too many that may be given by position."""
    failures = []
    for found in definitions(file.tree):
        if isinstance(found.node, ast.ClassDef) or is_exempt(file.path, found):
            continue
        positional, keywords = own_parameters(found.node, found.owner)
        place = f"{file.path}:{found.node.lineno}: {found.name}"
        if (count := len(positional) + len(keywords)) > MAX_PARAMETERS:
            failures.append(f"{place} has {count} parameters, limit {MAX_PARAMETERS}")
        if len(positional) > MAX_POSITIONAL:
            named = ", ".join(positional[MAX_POSITIONAL:])
            failures.append(f"{place} takes {named} by position; only the first {MAX_POSITIONAL} may be")
    return failures


def is_exempt(path: str, found: Definition) -> bool:
    """Tell functions whose parameters are somebody else's list.

    They are the flags of a command, the settings of the scikit-learn estimators, the settings of ``tunesmith.train``,
    and the methods of an autograd function, which torch calls by position.
    """
    inside = path.removeprefix("src/tunesmith/")
    arguments = [] if isinstance(found.node, ast.ClassDef) else found.node.args.args
    return (
        inside.startswith("cli/")
        or found.name in {"TextClassifier.__init__", "TextRegressor.__init__"}
        or (inside.split("/")[0].removesuffix(".py") == "api" and found.name == "train")
        or (bool(arguments) and arguments[0].arg == "ctx")
    )


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the last, both counted."""
    body = body_without_docstring(function)
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def nesting(node: ast.AST, *, depth: int = 0) -> int:
    """How deep the branching statements of a function lie in each other; ``elif`` is no deeper than its ``if``."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINING):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        deeper = isinstance(child, _BRANCHING) and not is_elif
        deepest = max(deepest, nesting(child, depth=depth + deeper))
    return deepest


def test_every_file_and_function_is_short() -> None:
    """Nothing in the project may be longer or deeper than the house allows."""
    files = sources("src", "tests", "benchmarks", "examples", "applications")
    assert files
    assert_none([failure for file in files for failure in length_failures(file)])


def test_every_parameter_list_is_short() -> None:
    """No function of the package may take a long list of parameters, or many by position."""
    files = sources("src", "benchmarks", "examples", "applications")
    assert_none([failure for file in files for failure in parameter_failures(file)])


def test_a_long_function_is_found_and_its_docstring_is_free() -> None:
    """A body of 61 lines must be found; one of 60 under a long docstring must not."""
    lines = "    x = 1\n"
    docstring = '    """One.\n' + "\n" * 80 + '    """\n'
    assert length_failures(source("a.py", "def f():\n" + docstring + lines * 60)) == []
    failures = length_failures(source("a.py", "\ndef f():\n" + docstring + lines * 61))
    assert failures == ["a.py:2: f has a body of 61 lines, limit 60"]


def test_a_long_file_is_found() -> None:
    """A file of 601 lines must be found, and one of 600 must not."""
    assert length_failures(source("a.py", "x = 1\n" * 600)) == []
    assert length_failures(source("a.py", "x = 1\n" * 601)) == ["a.py:601: the file has 601 lines, limit 600"]


def test_deep_nesting_is_found() -> None:
    """Four branching statements in each other must be found; three, with elif and with, must not."""
    deep = "def f():\n for a in b:\n  while c:\n   with d:\n    if e:\n     pass\n    elif g:\n     h()\n"
    assert length_failures(source("a.py", deep)) == []
    deeper = deep.replace("     h()", "     if i:\n      j()")
    assert length_failures(source("a.py", deeper)) == ["a.py:1: f nests control flow 4 deep, limit 3"]


def test_nesting_starts_again_in_an_inner_function() -> None:
    """A function defined deep inside another is judged by itself."""
    text = "def f():\n for a in b:\n  if c:\n   def g():\n    for d in e:\n     if h:\n      pass\n"
    assert length_failures(source("a.py", text)) == []


def test_long_parameter_lists_are_found() -> None:
    """Eight parameters, or a fourth by position, must be found; ``self`` does not count."""
    assert parameter_failures(source("a.py", "class C:\n def f(self, a, b, c, *, d, e, f, g): ...\n")) == []
    assert parameter_failures(source("a.py", "class C:\n def f(self, a, b, c, d): ...\n")) == [
        "a.py:2: C.f takes d by position; only the first 3 may be"
    ]
    assert parameter_failures(source("a.py", "def f(a, b, c, *, d, e, f, g, **h): ...\n")) == [
        "a.py:1: f has 8 parameters, limit 7"
    ]


def test_only_the_named_exemptions_are_exempt() -> None:
    """Commands, the estimator, ``api.train`` and autograd functions pass; a namesake elsewhere does not."""
    wide = "def train(a, b, c, d, e, f, g, h): ...\n"
    assert parameter_failures(source("src/tunesmith/cli/train.py", wide)) == []
    assert parameter_failures(source("src/tunesmith/api/train.py", wide)) == []
    assert parameter_failures(source("src/tunesmith/api.py", wide)) == []
    assert len(parameter_failures(source("src/tunesmith/train/train.py", wide))) == 2
    estimator = "class TextClassifier:\n def __init__(self, a, b, c, d): ...\n def fit(self, a, b, c, d): ...\n"
    assert parameter_failures(source("src/tunesmith/api/estimator.py", estimator)) == [
        "src/tunesmith/api/estimator.py:3: TextClassifier.fit takes d by position; only the first 3 may be"
    ]
    autograd = "class F:\n @staticmethod\n def forward(ctx, a, b, c, d): ...\n"
    assert parameter_failures(source("src/tunesmith/models/f.py", autograd)) == []
