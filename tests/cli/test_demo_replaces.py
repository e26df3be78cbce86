"""What ``demo`` may replace: a model of its own sample, and nothing that only looks like one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Ended, assert_error, run
from tests.cli.small_world import csv_text, rows

from tunesmith.files.manifest import file_digest

QUICK = ["--set", "ladder.rungs=['linear']", "--budget", "none", "--threads", "1"]


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in the place of the sample that comes along, and an empty folder to run in."""
    path = tmp_path / "package" / "messages.csv"
    path.parent.mkdir()
    path.write_text(csv_text(["text", "label"], rows()), "utf-8")
    monkeypatch.setattr("tunesmith.sample.sample_file", lambda: path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return path


def other_file(folder: Path, *, changed: int) -> Path:
    """A file of the same name, whose rows are those of the sample but for a text or a label."""
    records = [list(row) for row in rows()]
    records[5][changed] = (
        "my parcel is not here" if changed == 0 else next(r[1] for r in records if r[1] != records[5][1])
    )
    path = folder / "messages.csv"
    path.write_text(csv_text(["text", "label"], records), "utf-8")
    return path


def train(data: Path) -> Ended:
    """Train where ``demo`` would write."""
    return run("train", data, *QUICK, "--out", "demo.model", "--quiet")


def seed() -> int:
    """The seed of the model that lies there."""
    facts = json.loads(Path("demo.model/tunesmith.json").read_text("utf-8"))
    found: int = facts["recipe"]["run"]["seed"]
    return found


@pytest.mark.parametrize("earlier", ["demo", "train"])
def test_a_model_of_the_sample_is_replaced(sample: Path, earlier: str) -> None:
    """A newcomer may run it again, and whoever trained on the file by hand too."""
    before = run("demo", *QUICK, "--quiet") if earlier == "demo" else train(sample)
    assert before.code == 0, before.err
    assert seed() == 0
    ended = run("demo", *QUICK, "--seed", "1", "--quiet")
    assert ended.code == 0, ended.err
    assert seed() == 1


@pytest.mark.parametrize("changed", [0, 1], ids=["text", "label"])
@pytest.mark.usefixtures("sample")
def test_a_model_of_other_data_is_not_replaced(tmp_path: Path, changed: int) -> None:
    """The name of its file is no proof: somebody's own messages may lie in a ``messages.csv``."""
    assert train(other_file(tmp_path, changed=changed)).code == 0
    before = file_digest(Path("demo.model/manifest.json"))
    ended = run("demo", *QUICK, "--quiet")
    assert_error(ended, "out-exists", "demo.model", "--out")
    assert file_digest(Path("demo.model/manifest.json")) == before


def test_a_damaged_model_of_the_sample_is_not_replaced(sample: Path) -> None:
    """It cannot be told any more what it was."""
    assert train(sample).code == 0
    card = Path("demo.model/README.md")
    card.write_text(card.read_text("utf-8") + "mine\n", "utf-8")
    assert_error(run("demo", *QUICK, "--quiet"), "out-exists", "demo.model")
    assert card.read_text("utf-8").endswith("mine\n")
