"""A file, a base model and two trained models, made once for all tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
from tests.cli.running import Ended, run
from tests.cli.small_world import write_base, write_rows


@dataclass(frozen=True)
class Model:
    """A model folder and what the command that wrote it said."""

    folder: Path
    trained: Ended


@pytest.fixture(scope="session")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labelled file."""
    return write_rows(tmp_path_factory.mktemp("data") / "tickets.csv")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the base model."""
    return write_base(tmp_path_factory.mktemp("base") / "tiny-bert")


@pytest.fixture(scope="session")
def quick(base: Path) -> list[str]:
    """Flags that every training here takes."""
    return ["--base", str(base), "--budget", "none", "--threads", "1", "--offline"]


@pytest.fixture(scope="session")
def climbed(tmp_path_factory: pytest.TempPathFactory, tickets: Path, quick: list[str]) -> Model:
    """A climb over three rungs, with rows put aside to test on; words tell these labels best, so ``linear`` is kept."""
    out = tmp_path_factory.mktemp("climbed") / "tickets.model"
    rungs = ["--rungs", "linear,probe,finetune", "--set", "rung.finetune.epochs=1.0", "--set", "ladder.min_gain=0.0"]
    return Model(out, run("train", tickets, "--out", out, *quick, *rungs, "--test-share", "0.2", "--json"))


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory, tickets: Path, quick: list[str]) -> Model:
    """An encoder under a solved head."""
    out = tmp_path_factory.mktemp("probed") / "tickets.model"
    return Model(out, run("train", tickets, "--out", out, *quick, "--rungs", "probe", "--quiet", "--json"))


@pytest.fixture
def copied(probed: Model, tmp_path: Path) -> Callable[[], Path]:
    """Copies the encoder's folder, to be spoilt."""
    return lambda: Path(copytree(probed.folder, tmp_path / "copied.model"))
