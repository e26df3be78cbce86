"""What may lie in the repository, and what may stand in its files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.style.sources import ROOT, Source, assert_none, project_files, source, sources

MAX_FILE_BYTES = 2 * 1024 * 1024

EXPECTED = [
    ".ci/run",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "README.zh.md",
    "pyproject.toml",
    "requirements/lock.txt",
    "requirements/torch.txt",
]

UNPICKLING = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}

_NOT_WITHIN_A_PATH = r"(?<![\w.*~/-])"
_HOMES = r"/(?:home|root|Users|work|workspace)/\w"


def path_failures(path: str, text: str, *, here: tuple[str, ...] = ()) -> list[str]:
    """Lines that hold an absolute path of somebody's machine; ``here`` adds the folders of this one."""
    machine_path = re.compile(_NOT_WITHIN_A_PATH + "(?:" + "|".join([_HOMES, *map(re.escape, here)]) + ")")
    return [
        f"{path}:{number}: holds a path of one machine"
        for number, line in enumerate(text.splitlines(), start=1)
        if machine_path.search(line)
    ]


def size_failures(sizes: dict[str, int]) -> list[str]:
    """Files that are too large for a repository, given their sizes in bytes."""
    return [f"{path}:1: {size} bytes, limit {MAX_FILE_BYTES}" for path, size in sizes.items() if size > MAX_FILE_BYTES]


def unsafe_failures(file: Source) -> list[str]:
    """Calls and imports that could run what a file holds."""
    return [f"{file.path}:{node.lineno}: {problem}" for node in ast.walk(file.tree) for problem in _unsafe_parts(node)]


def _unsafe_parts(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            modules = [alias.name.split(".")[0] for alias in names]
        case ast.ImportFrom(module="joblib.externals.loky.backend.reduction", names=[ast.alias(name="register")]):
            return []  # says how something is sent to a worker, and reads nothing
        case ast.ImportFrom(module=str(module), level=0):
            modules = [module.split(".")[0]]
        case ast.Attribute(value=ast.Name(id="torch"), attr="load"):
            return ["calls torch.load"]
        case ast.keyword(arg="allow_pickle" | "trust_remote_code", value=value):
            is_off = isinstance(value, ast.Constant) and value.value is False
            return [] if is_off else [f"does not set {node.arg} to False"]
        case _:
            return []
    return [f"imports {name}" for name in modules if name in UNPICKLING]


def print_failures(file: Source) -> list[str]:
    """Calls of ``print``: results go through the command line's console, the rest through logging."""
    return [
        f"{file.path}:{node.lineno}: prints"
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "pprint"}
    ]


def lock_failures(text: str) -> list[str]:
    """Lines of a lock file that name an address, a GPU library, or a package without its hash."""
    failures = []
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        place = f"requirements/lock.txt:{number}:"
        if "://" in line or line.startswith("-"):
            failures.append(f"{place} names an address or sets an option")
        if re.match(r"(cuda|nvidia|torch|triton)\b", line):
            failures.append(f"{place} holds {line.split('=')[0]}, which does not belong there")
        if re.match(r"\w", line) and not (number < len(lines) and lines[number].lstrip().startswith("--hash=")):
            failures.append(f"{place} has no hash")
    return failures


def test_the_house_is_complete() -> None:
    """What a newcomer looks for first must be there, and the script for continuous integration executable."""
    assert [name for name in EXPECTED if not (ROOT / name).is_file()] == []
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_no_file_is_large() -> None:
    """Nothing that is or would be tracked may exceed 2 MiB."""
    sizes = {name: (ROOT / name).stat().st_size for name in project_files()}
    assert sizes
    assert_none(size_failures(sizes))


def test_a_large_file_is_found() -> None:
    """One byte over the limit must be found, and the limit itself must not."""
    assert size_failures({"a.bin": MAX_FILE_BYTES, "b.bin": MAX_FILE_BYTES + 1}) == [
        "b.bin:1: 2097153 bytes, limit 2097152"
    ]


def test_no_file_holds_a_path_of_one_machine() -> None:
    """The project must mean the same on every machine, so no file may hold an absolute path of one."""
    here = tuple(f"{folder}/" for folder in (ROOT.parent, Path.home()) if len(folder.parts) > 1)
    failures = []
    for name in project_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            failures += path_failures(name, content.decode("utf-8", "replace"), here=here)
    assert_none(failures)


@pytest.mark.parametrize("folder", ["home", "Users", "root", "work"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    """A path into somebody's folder must be found, with its line; relative ones and addresses must not."""
    assert path_failures("a.md", f"one\nsee /{folder}/ann/data.csv") == ["a.md:2: holds a path of one machine"]
    assert path_failures("a.md", f"https://example.org/{folder}/ann, ../{folder}/ann, **/{folder}/x") == []
    assert path_failures("a.md", "in /opt/here/data", here=("/opt/here/",)) == ["a.md:1: holds a path of one machine"]


def test_nothing_unpickles() -> None:
    """No module of the package may load what could run code."""
    assert_none([failure for file in sources("src") for failure in unsafe_failures(file)])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import pickle", "imports pickle"),
        ("def f():\n    from joblib import load", "imports joblib"),
        ("from joblib.externals.loky.backend.reduction import loads", "imports joblib"),
        ("torch.load(path)", "calls torch.load"),
        ("np.load(path, allow_pickle=True)", "does not set allow_pickle to False"),
        ("AutoModel.from_pretrained(x, trust_remote_code=flag)", "does not set trust_remote_code to False"),
    ],
)
def test_unpickling_is_found(text: str, problem: str) -> None:
    """Each way to run what a file holds must be found."""
    assert unsafe_failures(source("a.py", text)) == [f"a.py:{len(text.splitlines())}: {problem}"]


def test_safe_calls_pass() -> None:
    """Switching the unsafe ways off, and telling of them in words, must not be reported."""
    text = '"""No pickle, no torch.load."""\nnp.load(p, allow_pickle=False)\nf(trust_remote_code=False)\njson.load(f)\n'
    assert unsafe_failures(source("a.py", text)) == []


def test_nothing_prints() -> None:
    """No module of the package may print."""
    assert_none([failure for file in sources("src") for failure in print_failures(file)])


def test_a_print_is_found() -> None:
    """A call must be found; a method of that name and the word in a text must not."""
    assert print_failures(source("a.py", "x = 1\nprint(x)")) == ["a.py:2: prints"]
    assert print_failures(source("a.py", "console.print('print(x)')")) == []


def test_the_lock_is_hashed_and_names_no_address() -> None:
    """Every locked package must have its hash, and torch with its GPU libraries must stay outside."""
    text = (ROOT / "requirements/lock.txt").read_text("utf-8")
    assert text.count("--hash=") > 100
    assert_none(lock_failures(text))
    torch = (ROOT / "requirements/torch.txt").read_text("utf-8").split()
    assert len(torch) == 1
    assert re.fullmatch(r"torch==[\d.]+", torch[0])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--index-url https://example.org/simple", "names an address or sets an option"),
        ("nvidia-cublas==13 \\\n    --hash=sha256:0", "holds nvidia-cublas, which does not belong there"),
        ("torch==2 \\\n    --hash=sha256:0", "holds torch, which does not belong there"),
        ("numpy==2.4.6", "has no hash"),
    ],
)
def test_a_wrong_line_of_the_lock_is_found(line: str, problem: str) -> None:
    """Each kind of line that must not be in the lock must be found."""
    assert lock_failures(f"# made by uv\n{line}\n") == [f"requirements/lock.txt:2: {problem}"]
