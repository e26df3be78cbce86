"""A folder to try commands in: a labelled file, a database of it, a model trained on it, and a tiny base model."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.cli.running import run
from tests.cli.small_world import rows, write_base, write_rows

from tunesmith.cli import main
from tunesmith.errors import TunesmithError

SHOWN_FOLDER = "/data/shop"
"""Where the pages say that the commands ran."""


def write_shop(folder: Path) -> Path:
    """Make the folder; training takes a second."""
    write_rows(folder / "shop.csv")
    with contextlib.closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("create table tickets (text, topic)")
        database.executemany("insert into tickets values (?, ?)", rows())
    write_base(folder / "base")
    with standing_in(folder):
        trained = run("train", "shop.csv", "--rungs", "linear", "--quiet", "--out", "ready.model")
    assert trained.code == 0, trained.err
    return folder


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Work in a folder as a process of its own would: its time starts now, and its threads are its own."""
    with pytest.MonkeyPatch.context() as patches, contextlib.chdir(folder):
        for place in ("tunesmith.ladder.camp", "tunesmith.api.compare"):
            patches.setattr(f"{place}.set_threads", lambda n: None)  # it would hold for all tests after this one
        patches.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
        yield


def told_by(lines: str, files: Mapping[str, str], *, template: Path, folder: Path) -> str:
    """Run lines in a copy of the shop, and give what the last one tells on stderr."""
    shutil.copytree(template, folder)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    told = ""
    with standing_in(folder):
        for line in lines.strip().splitlines():
            told = _told_by_line(line)
    return told.replace(str(folder.resolve()), SHOWN_FOLDER).replace(str(folder), SHOWN_FOLDER)


def _told_by_line(line: str) -> str:
    words = shlex.split(line)
    if words[0] == "tunesmith":
        return run(*words[1:]).err
    if words[:2] != ["python", "-c"]:
        subprocess.run(["bash", "-c", line], check=True)
        return ""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            exec(words[2], {})
    except TunesmithError as error:
        return error.render()
    return ""


def run_together(*arguments: str) -> tuple[int, str]:
    """Run a command in this process, and give its exit code and what it printed, results and remarks in their order."""
    out = io.StringIO()
    with (
        patch.object(sys, "argv", ["tunesmith", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out.getvalue()


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell that finds this environment's commands first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        ["bash", "-euc", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
