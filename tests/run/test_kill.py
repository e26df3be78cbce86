"""Runs killed at random, by real kills of real processes, end as an uninterrupted run of the same plan does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_run.py")
N_KILLS = 24


class Runs:
    """Starts lives of runs through ``killed_run.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def live(
        self, out: Path, *, follow: Path | None = None, after_s: float | None = None, at_event: int | None = None
    ) -> bool:
        """One life; True when it came to its end, False when it was killed."""
        order = {"out": str(out), "follow": follow and str(follow), "after_s": after_s, "at_event": at_event}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        assert status in (0, signal.SIGKILL), f"the run failed with status {status}; see above"
        return status == 0


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """One process that has loaded everything and forks a life at each order."""
    command = [sys.executable, str(SCRIPT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Runs(process)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process wrote survives it there as on a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def place(folder: Path, name: str) -> Path:
    """Where one run shall put its model."""
    (folder / name).mkdir()
    return folder / name / "model"


def check_equal(out: Path, other: Path) -> None:
    """Two runs have ended with the same bytes of model, plan and log, and left nothing else."""
    works = [path.with_name("model.work") for path in (out, other)]
    assert [sorted(path.name for path in work.iterdir()) for work in works] == [["log.jsonl", "plan.jsonl"]] * 2
    for name in ("tunesmith.json", "manifest.json"):
        assert (out / name).read_bytes() == (other / name).read_bytes(), name
    for name in ("plan.jsonl", "log.jsonl"):
        assert (works[0] / name).read_bytes() == (works[1] / name).read_bytes(), name


def check_ended(runs: Runs, out: Path) -> None:
    """Compare a run that was killed and has ended with an uninterrupted replay of its plan."""
    plan = out.with_name("model.work") / "plan.jsonl"
    decisions = plan.read_text("utf-8").splitlines()
    for line in out.with_name("acted.jsonl").read_text("utf-8").splitlines():
        assert decisions[json.loads(line)["n"]] == line, "a decision was acted on and later taken otherwise"
    replay = place(out.parent, "replay")
    assert runs.live(replay, follow=plan)
    check_equal(out, replay)


def test_runs_killed_from_outside_at_any_time_end_alike(runs: Runs, folder: Path) -> None:
    """SIGKILL after random times until there were 24 kills: the same bytes of model, plan and log."""
    rng = random.Random(0)
    assert runs.live(place(folder, "first"))
    begin = time.monotonic()
    assert runs.live(place(folder, "whole"))
    whole_s = min(time.monotonic() - begin, 1.0)
    n_kills = n_runs = 0
    while n_kills < N_KILLS and n_runs < 2 * N_KILLS:
        out = place(folder, f"run-{n_runs}")
        n_runs += 1
        while not runs.live(out, after_s=rng.uniform(0.0, 0.6 * whole_s)):
            n_kills += 1
        check_ended(runs, out)
    assert n_kills >= 20


def test_runs_killed_before_any_access_to_the_disk_end_alike(runs: Runs, folder: Path) -> None:
    """Aimed kills before the k-th opening, renaming, removal …: 24 of them, over the whole length of a run."""
    rng = random.Random(1)
    n_kills = n_runs = 0
    while n_kills < N_KILLS:
        out = place(folder, f"run-{n_runs}")
        n_runs += 1
        while not runs.live(out, at_event=rng.randrange(300)):
            n_kills += 1
        check_ended(runs, out)


def test_runs_killed_around_their_end_are_found_and_finished(runs: Runs, folder: Path) -> None:
    """Before every second of the last 40 accesses to the disk: last checkpoint, model, clearing of the work."""
    first, whole = place(folder, "first"), place(folder, "whole")
    assert runs.live(first)
    plan = first.with_name("model.work") / "plan.jsonl"
    assert runs.live(whole, follow=plan)
    n_events = int(whole.with_name("n_events.txt").read_text("utf-8"))
    for at_event in range(n_events - 1, n_events - 41, -2):
        out = place(folder, f"run-{at_event}")
        killed = not runs.live(out, follow=plan, at_event=at_event)
        assert killed
        assert runs.live(out)
        check_equal(out, first)
