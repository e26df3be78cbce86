"""Running the command line: in this process, where it is quick, or in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from tunesmith.cli import main
from tunesmith.types import JSON

MAX_LINES = 12


@dataclass(frozen=True)
class Ended:
    """What a command brought: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> JSON:
        """What a successful command printed with ``--json``."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    def lines(self) -> list[JSON]:
        """The same where it prints one value a line."""
        assert self.code == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]


def run(*arguments: str | Path, stdin: bytes = b"", age_s: float = 0.0) -> Ended:
    """Run a command in this process, which counts as ``age_s`` seconds old: a budget counts from its start."""
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", ["tunesmith", *map(str, arguments)]))
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(patch("tunesmith.run.clock.process_age_s", return_value=age_s))
        ended = stack.enter_context(pytest.raises(SystemExit))
        main()
    code = ended.value.code
    assert isinstance(code, int), f"exit with {code!r}"
    return Ended(code, out.getvalue(), err.getvalue())


def command(*arguments: str | Path) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "tunesmith", *map(str, arguments)]


def run_process(
    arguments: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Ended:
    """Run a process to its end."""
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def assert_error(ended: Ended, error: str, *words: str, code: int = 2) -> None:
    """Hold an error to the house: its code, its words, few lines, no traceback, nothing on stdout."""
    told = " ".join(ended.err.split())
    assert told.startswith(f"error[{error}]: "), ended.err
    assert ended.code == code
    assert not [word for word in words if word not in told], ended.err
    assert len(ended.err.splitlines()) <= MAX_LINES
    assert "Traceback" not in ended.err
    assert ended.out == ""
