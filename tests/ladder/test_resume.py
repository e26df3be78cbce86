"""A climb killed at random moments and gone on with ends in the bytes of an uninterrupted replay of its plan.

Every life is ``tunesmith train`` as a process of its own, and every kill a SIGKILL. ``TUNESMITH_KILLS=100`` asks for
more kills than the usual one in each phase (``make test-faults``).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ladder.killed_climb import phase, records
from tests.ladder.tiny_base import tiny_base, tiny_file

SCRIPT = Path(__file__).with_name("killed_climb.py")
ASKED = int(os.environ.get("TUNESMITH_KILLS", "0"))
PHASES = ("beginning", "cnn", "probe", "finetune", "refine", "publish")
"""What each is tells ``killed_climb.phase``."""
KILLS = dict(zip(PHASES, (1, 1, 1, 3, 3, 2), strict=True)) if ASKED else dict.fromkeys(PHASES, 1)
"""Of one run."""
ACCESSES = {"beginning": 20, "cnn": 100, "probe": 20, "finetune": 200, "refine": 200, "publish": 100}
"""To the run's files in each phase, about."""
N_RUNS = max(1, ASKED // sum(KILLS.values()))
FITS = ("finetune", "refine")
SETTINGS = {
    "base.name": "base",
    "ladder.rungs": ("linear", "cnn", "probe", *FITS),
    "ladder.budget": "none",
    "ladder.min_gain": 0.0,
    "run.threads": 1,
    "run.offline": True,
    **{f"rung.{name}.batch_tokens": 128 for name in FITS},
    **{f"rung.{name}.save_every_s": 0.05 for name in FITS},
    "rung.cnn.batch_tokens": 128,
    "rung.cnn.save_every_s": 0.05,
    "rung.cnn.epochs": 2.0,
    "rung.finetune.epochs": 4.0,
    "rung.finetune.learning_rate": 2e-3,
    "rung.refine.epochs": 8.0,
    "rung.refine.learning_rate": 3e-3,
}


class Run:
    """One run, from its first life to its last."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.out = folder / name
        self.work = folder / f"{name}.work"

    def live(self, *flags: str, kill: dict[str, Any] | None = None) -> bool:
        """One life; True when it came to its end, False when it was killed."""
        moment = kill and {**kill, "out": str(self.out)}
        settings = [f"--set={key}={json.dumps(value)}" for key, value in SETTINGS.items()]
        command = [sys.executable, str(SCRIPT), json.dumps(moment), "train", "rows.csv", "--out", str(self.out)]
        ended = subprocess.run(
            [*command, *settings, *flags],
            cwd=self._folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode in (0, -signal.SIGKILL), f"status {ended.returncode}: {ended.stderr}"
        return ended.returncode == 0

    def go_on(self, kill: dict[str, Any] | None = None) -> bool:
        """Begin the run, or go on with it."""
        begun = (self.work / "journal.jsonl").exists() or self.out.exists()
        return self.live(*(["--resume"] if begun else []), kill=kill)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process wrote survives it there as on a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as created:
        yield Path(created)


def moments(kills: dict[str, int], rng: random.Random) -> list[dict[str, Any]]:
    """Random moments, as many in each phase as asked for: half before an access to a file, half at any time after."""
    return [
        {
            "phase": name,
            "access": rng.randrange(ACCESSES[name] // count),
            "delay_s": rng.choice([0.0, rng.uniform(0.0, 0.1)]),
        }
        for name, count in kills.items()
        for _ in range(count)
    ]


def check_replayed(run: Run, replay: Run) -> None:
    """An uninterrupted life that follows the run's plan gives the same bundle, plan and losses."""
    assert replay.live("--plan", str(run.work / "plan.jsonl"))
    contents = [content(found.out) for found in (run, replay)]
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []
    assert json.loads(contents[0]["tunesmith.json"])["rung"] == "refine", "what is kept must depend on every step"
    assert (run.work / "plan.jsonl").read_bytes() == (replay.work / "plan.jsonl").read_bytes()
    assert steps(run) == steps(replay)
    for found in (run, replay):
        assert sorted(path.name for path in found.work.iterdir()) == ["log.jsonl", "plan.jsonl"]


def content(out: Path) -> dict[str, bytes]:
    """All that must be equal of a bundle: its files outside the record, and what the manifest says of them."""
    manifest = json.loads((out / "manifest.json").read_bytes())
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert there == {*manifest["files"], *manifest["record"], "manifest.json"}
    files = {name: (out / name).read_bytes() for name in manifest["files"]}
    return {**files, "manifest.json": json.dumps(manifest["files"]).encode()}


def steps(run: Run) -> list[dict[str, Any]]:
    """The log without its times."""
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records(run.work / "log.jsonl")]


@pytest.mark.parametrize("seed", range(N_RUNS))
def test_a_killed_run_ends_as_if_it_had_not_been_killed(folder: Path, seed: int) -> None:
    """SIGKILL at eleven random moments, in every phase at least once: the same bytes, every step in the log once."""
    tiny_base(folder / "base")
    tiny_file(folder / "rows.csv")
    rng, hits, wanted = random.Random(seed), Counter[str](), KILLS
    for number in range(5):  # a kill may come too late for its phase; another run makes up for it
        run = Run(folder, f"run-{number}")
        for kill in moments(wanted, rng):
            if run.go_on(kill):
                break
            hits[phase(run.work)] += 1
        else:
            assert run.go_on()
        check_replayed(run, Run(folder, f"replay-{number}"))
        wanted = {name: 1 for name in KILLS if not hits[name]}
        if not wanted and hits.total() >= sum(KILLS.values()):
            return
    pytest.fail(f"kills landed in {dict(hits)} only")
