"""Running the blocks of a page from top to bottom in one folder, and holding what they print to what it shows."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.docs.blocks import FILES, Block
from tests.docs.shop import SHOWN_FOLDER, run_together, shell, standing_in
from typer.main import get_command

from tunesmith.cli.app import app
from tunesmith.config.recipe import load_recipe
from tunesmith.data.columns import choose_columns
from tunesmith.data.read import read_table
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import RUNGS

COMMANDS: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined]

_SHELL = {"|", "||", "&&", ">", "2>&1"}
_TINY_FIT = ("epochs=0.1", "learning_rate=1e-5", "head_learning_rate=0.0")
_FEW_STEPS = [
    'ladder.rungs=["probe", "finetune", "refine"]',
    *(f"rung.{rung}.{key}" for rung in ("finetune", "refine") for key in _TINY_FIT),
]
"""With which a tiny base climbs to the top in seconds, and keeps what it has trained."""

_NUMBER = re.compile(r"(?:(?<=[ (])[+-])?\d[\d,]*(?:\.\d+)?")
_VERDICT = re.compile(r",? (?:kept|not kept \(\w+ stays\))$")
_RUNG = re.compile(rf"^(?:{'|'.join(RUNGS.names())})\b")
_LABEL = re.compile(r"^[a-z]+(?:_[a-z]+)+(?= #)")
_STOPS = re.compile(r"^stops here: .*")
_FORESEEN = re.compile(r"(?<=# to # )(?:s|min|h)(?=, # to # GB$)")
_PERCENT = re.compile(r"(?<![\d.])(?:(\d+\.\d) %|(0\.\d{3,4}|1\.0{3,4})(?![\d%]))")
LEFT_OUT = "..."
_TOLERANCE = re.compile(r"percent within (\d+)")


class Page:
    """A page being run.

    Args:
        folder: To stand in; empty.
        base: A tiny base model.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder = folder
        self.base = base
        self.counts: Counter[str] = Counter()
        self._printed = ""
        self._names: dict[str, Any] = {}

    @property
    def printed(self) -> str:
        """What the last block printed that was run."""
        return self._printed

    def run(self, block: Block) -> None:
        """Do with a block what its language and its check ask for."""
        if block.is_output:
            self._compare(block)
        elif block.language == "sh":
            self._commands(block)
        elif block.language == "python":
            self._python(block)
        elif block.language in FILES or block.title:
            self._sample(block)
        else:
            raise AssertionError(f"{block.place}: nothing runs a block of {block.language or 'no language'}")

    def _commands(self, block: Block) -> None:
        for words in filter(None, (shlex.split(line, comments=True) for line in block.code.splitlines())):
            for command in _commands_in(words):
                COMMANDS[command[0]].make_context(command[0], command[1:])
        if block.check == "parse":
            self.counts["sh parsed"] += 1
            return
        tiny = [f"base.name={self.base}", *_FEW_STEPS] if block.check == "run with the tiny base" else []
        self._printed = ""
        for line in filter(str.strip, block.code.splitlines()):
            self._line(line, [word for each in tiny for word in ("--set", each)], block)
        self._printed = self._printed.replace(str(self.folder), SHOWN_FOLDER)
        self.counts["sh run"] += 1

    def _line(self, line: str, more: list[str], block: Block) -> None:
        """Run a plain command in this process, which spares its start, and anything else in a shell."""
        words = shlex.split(line, comments=True)
        if words and words[0] == "tunesmith" and not _SHELL & set(words):
            with standing_in(self.folder):
                code, printed = run_together(*words[1:], *more)
        else:
            done = shell(f"exec 2>&1\n{line}", self.folder)
            code, printed = done.returncode, done.stdout
        self._printed += printed
        assert code == 0, f"{block.place}: {line}: exit {code}\n{printed}"

    def _python(self, block: Block) -> None:
        code = compile(block.code, block.place, "exec")
        if block.check == "parse":
            self.counts["python parsed"] += 1
            return
        printed = io.StringIO()
        path = list(sys.path)
        with standing_in(self.folder), contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, self._names)
        sys.path[:] = path
        self._printed = printed.getvalue()
        self.counts["python run"] += 1

    def _sample(self, block: Block) -> None:
        """Write a sample where later blocks find it, and read it as a user's."""
        path = self.folder / (block.title or f"sample.{block.language}")
        path.write_text(block.code, "utf-8")
        if block.language == "toml":
            resolve(load_recipe(str(path), [], {}))
        else:
            table = read_table(path)
            assert table.n_rows, block.place
            assert choose_columns(table).text, block.place
        self.counts[f"{block.language} read"] += 1

    def _compare(self, block: Block) -> None:
        way, _, more = block.check.partition(",")
        tolerance = _TOLERANCE.search(more)
        if way == "exact":
            assert _trimmed(self._printed) == _trimmed(block.code), f"{block.place}: printed was\n{self._printed}"
        elif way == "shape":
            assert_like(block.code, self._printed, within=float(tolerance[1]) if tolerance else None, place=block.place)
        elif way != "measured":
            raise AssertionError(f"{block.place}: output that nothing checks; say how: <!-- check: exact -->")
        self.counts[f"output {way}"] += 1


def assert_like(shown: str, printed: str, *, within: float | None = None, place: str = "") -> None:
    """Hold each line shown to one that was printed: the same words, and percentages that are near."""
    candidates: dict[str, list[str]] = {}
    for line in printed.splitlines():
        candidates.setdefault(shape_of(line), []).append(line)
    for line in filter(str.strip, shown.splitlines()):
        if line.strip() == LEFT_OUT:
            continue
        alike = candidates.get(shape_of(line), [])
        assert alike, f"{place}: no line is like {line!r} in\n{printed}"
        if within is not None:
            near = [_distance(line, other) <= within for other in alike]
            assert any(near), f"{place}: {line!r} is far from {alike}"


def shape_of(line: str) -> str:
    """A line without numbers, signs, spacing, rung or label, verdict, why a climb stops, unit of a forecast."""
    plain = _VERDICT.sub("", " ".join(_NUMBER.sub("#", line).split()))
    return _LABEL.sub("LABEL", _RUNG.sub("RUNG", _STOPS.sub("stops here", _FORESEEN.sub("s", plain))))


def _distance(line: str, other: str) -> float:
    """How far the percentages of two lines are apart, those that are written as shares of 1 too."""
    pairs = zip(_percentages(line), _percentages(other), strict=True)
    return max((abs(a - b) for a, b in pairs), default=0.0)


def _percentages(line: str) -> list[float]:
    return [float(percent) if percent else 100.0 * float(share) for percent, share in _PERCENT.findall(line)]


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _commands_in(words: list[str]) -> list[list[str]]:
    """What follows ``tunesmith`` in a line of a shell, up to where another command begins."""
    commands: list[list[str]] = []
    open_one: list[str] | None = None
    for word in words:
        if word in _SHELL:
            open_one = None
        elif word == "tunesmith" and open_one is None:
            open_one = []
            commands.append(open_one)
        elif open_one is not None:
            open_one.append(word)
    return commands
