"""Every public function, method and class says what it takes, gives and raises, in Google's sections."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.style.sources import (
    Definition,
    Function,
    Source,
    assert_none,
    definitions,
    own_nodes,
    own_parameters,
    source,
    sources,
)

_SECTION = re.compile(
    r"^(Args|Attributes|Example|Examples|Note|Notes|Raises|References|Returns|Source|Yields):[ \t]*$", re.M
)
_ENTRY = re.compile(r"^ {4}(\*{0,2}\w[\w.]*(?:, \*{0,2}\w+)*)(?: \([^)]*\))?:", re.M)
_PROTOCOL = re.compile(r"\bsee ``(\w+)``\.")
_NOTHING = {"None", "NoReturn", "Never"}
_OUR_OWN_BUGS = {"AssertionError", "NotImplementedError"}


def docstring_failures(file: Source) -> list[str]:
    """Check one file; each failure begins with ``file:line``."""
    if any(part.startswith("_") and part != "__init__.py" for part in file.path.split("/")):
        return []
    return [
        f"{file.path}:{found.node.lineno}: {found.name} {problem}"
        for found in definitions(file.tree)
        if found.is_public and not _is_overload(found.node)
        for problem in problems(found, sections_wanted=not file.path.startswith("src/tunesmith/cli/"))
    ]


def problems(found: Definition, *, sections_wanted: bool) -> Iterator[str]:
    """What one docstring lacks; a command's docstring is its help, so it has no sections."""
    text = ast.get_docstring(found.node)
    if text is None:
        yield "has no docstring"
        return
    told = sections(text)
    if isinstance(found.node, ast.ClassDef):
        yield from _class_problems(found.node, told)
    elif sections_wanted and not _keeps_promise(text, found.node.name):
        yield from _argument_problems(found.node, found.owner, told)
        yield from _result_problems(found.node, told)
        yield from _raise_problems(found.node, told)


def _keeps_promise(docstring: str, method: str) -> bool:
    """Whether it says which protocol tells the rest, "see ``Task``", and that one has such a method."""
    protocol = _PROTOCOL.search(docstring)
    return protocol is not None and (protocol[1], method) in _promises()


@cache
def _promises() -> set[tuple[str, str]]:
    """Every protocol of the package with each of its methods, all of which are documented in full."""
    return {
        (owner.name, found.node.name)
        for file in sources("src/tunesmith")
        for found in definitions(file.tree)
        if (owner := found.owner) is not None and "Protocol" in map(ast.unparse, owner.bases)
    }


def sections(docstring: str) -> dict[str, str]:
    """Cut a cleaned docstring at its section titles."""
    parts = _SECTION.split(docstring)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section: str) -> list[str]:
    """Names told in a section: one an entry, or several with commas between."""
    return [name.strip() for listed in _ENTRY.findall(section) for name in listed.split(",")]


def _is_overload(node: Function | ast.ClassDef) -> bool:
    return any(ast.unparse(mark).split(".")[-1] == "overload" for mark in node.decorator_list)


def _class_problems(node: ast.ClassDef, told: dict[str, str]) -> Iterator[str]:
    """A class with its own ``__init__`` tells its arguments in the class docstring."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name == "__init__":
            yield from _argument_problems(child, node, told)


def _argument_problems(function: Function, owner: ast.ClassDef | None, told: dict[str, str]) -> Iterator[str]:
    """Args names the signature; with a single argument whose meaning the summary tells, it may be left out."""
    positional, keywords = own_parameters(function, owner)
    wanted = [*positional, *keywords]
    named = entries(told.get("Args", ""))
    if "Args" not in told and len(wanted) > 1:
        yield f"has no Args, though it takes {', '.join(wanted)}"
    elif "Args" in told and sorted(_bare(named)) != sorted(_bare(wanted)):
        yield f"names {', '.join(named) or 'nothing'} in Args, but takes {', '.join(wanted) or 'nothing'}"


def _bare(names: list[str]) -> list[str]:
    return [name.lstrip("*") for name in names]


def _result_problems(function: Function, told: dict[str, str]) -> Iterator[str]:
    """Returns where something is returned, Yields where something is yielded; a property's docstring is its value's."""
    if any(ast.unparse(mark).split(".")[-1] in {"property", "cached_property"} for mark in function.decorator_list):
        return
    nodes = list(own_nodes(function))
    annotated = function.returns is not None and ast.unparse(function.returns).strip("'\"") not in _NOTHING
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes):
        if "Yields" not in told:
            yield "yields, but has no Yields"
    elif annotated and "Returns" not in told:
        yield "returns something, but has no Returns"


def _raise_problems(function: Function, told: dict[str, str]) -> Iterator[str]:
    """Raises names every class that the body itself raises; a caught error passed on is the callee's."""
    named = entries(told.get("Raises", ""))
    for node in own_nodes(function):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = ast.unparse(raised).split(".")[-1]
        is_class = name[:1].isupper()
        if is_class and name not in named and name not in _OUR_OWN_BUGS:
            yield f"raises {name}, which Raises does not name"
        elif isinstance(node.exc, ast.Call) and not is_class and "Raises" not in told:
            yield f"raises what {name}() builds, but has no Raises"


def _told(text: str, *, path: str = "a.py") -> list[str]:
    return docstring_failures(source(path, text))


def test_every_public_name_is_documented() -> None:
    """Each public function, method and class of the package must tell arguments, result and errors."""
    files = sources("src/tunesmith")
    assert files
    assert_none([failure for file in files for failure in docstring_failures(file)])


def test_a_missing_docstring_is_found() -> None:
    """A bare function, class and method must be found; private, nested and special ones must not."""
    text = "class C:\n def f(self): ...\n def __len__(self): ...\n def _g(self): ...\ndef h():\n def inner(): ...\n"
    assert _told(text) == [
        "a.py:1: C has no docstring",
        "a.py:2: C.f has no docstring",
        "a.py:5: h has no docstring",
    ]
    assert _told(text, path="_private.py") == []


def test_arguments_that_differ_are_found() -> None:
    """Args must name what the signature takes: no more, no less, and stars included."""
    text = 'def f(a, b, *, c=1, **d):\n    """One.\n\n    Args:\n        a: A.\n        {}: Rest.\n    """\n'
    assert _told(text.format("b, c, **d")) == []
    assert _told(text.format("b, c")) == ["a.py:1: f names a, b, c in Args, but takes a, b, c, **d"]
    assert _told(text.format("b, c, d, e")) == ["a.py:1: f names a, b, c, d, e in Args, but takes a, b, c, **d"]


def test_args_may_be_left_out_with_one_argument_only() -> None:
    """Two arguments without Args must be found; one must not, nor ``self``."""
    assert _told('def f(a):\n    """One."""\n') == []
    assert _told('def f(a, b):\n    """One."""\n') == ["a.py:1: f has no Args, though it takes a, b"]
    assert _told('class C:\n    """C."""\n    def f(self, a):\n        """One."""\n') == []


def test_a_class_tells_the_arguments_of_its_init() -> None:
    """The class docstring must name what ``__init__`` takes."""
    text = 'class C:\n    """C.{}"""\n    def __init__(self, a, b):\n        pass\n'
    assert _told(text.format("")) == ["a.py:1: C has no Args, though it takes a, b"]
    assert _told(text.format("\n\n    Args:\n        a: A.\n        b: B.\n    ")) == []


def test_an_untold_result_is_found() -> None:
    """A value without Returns and a yield without Yields must be found; None and properties must not."""
    assert _told('def f() -> int:\n    """One."""\n    return 1\n') == [
        "a.py:1: f returns something, but has no Returns"
    ]
    assert _told('def f() -> Iterator[int]:\n    """One."""\n    yield 1\n') == ["a.py:1: f yields, but has no Yields"]
    assert _told('def f() -> None:\n    """One."""\n    return\n') == []
    assert _told('class C:\n    """C."""\n    @property\n    def f(self) -> int:\n        """One."""\n') == []
    assert _told('def f() -> int:\n    """One.\n\n    Returns:\n        A number.\n    """\n    return 1\n') == []


def test_an_untold_error_is_found() -> None:
    """A class raised but not named in Raises must be found; an error passed on, or a bug of ours, must not."""
    text = 'def f():\n    """One.\n\n    Raises:\n        DataError: Bad.\n    """\n    raise {}\n'
    assert _told(text.format("DataError('x')")) == []
    assert _told(text.format("AssertionError('cannot happen')")) == []
    assert _told(text.format("errors.ConfigError('x')")) == ["a.py:1: f raises ConfigError, which Raises does not name"]
    assert _told('def f():\n    """One."""\n    raise refusal("x")\n') == [
        "a.py:1: f raises what refusal() builds, but has no Raises"
    ]
    assert _told('def f():\n    """One."""\n    try:\n        g()\n    except E as e:\n        raise e\n') == []


def test_commands_need_no_sections() -> None:
    """A command's docstring is shown as its help, so sections must not be asked for, but a docstring must."""
    text = 'def f(a, b) -> int:\n    """One."""\n    return 1\ndef g(): ...\n'
    assert _told(text, path="src/tunesmith/cli/f.py") == ["src/tunesmith/cli/f.py:4: g has no docstring"]


def test_a_kept_promise_needs_no_second_telling() -> None:
    """What a protocol documents is told once; a method that the protocol does not have is told in full."""
    text = 'class C:\n """C."""\n\n def {name}(self, a: int, b: int) -> int:\n  """Do: see ``Task``."""\n'
    assert _told(text.format(name="answers")) == []
    assert len(_told(text.format(name="surprises"))) == 2
    assert len(_told(text.format(name="answers").replace("Task", "Tusk"))) == 2
