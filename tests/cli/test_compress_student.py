"""``tunesmith compress`` with techniques that teach, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Model
from tests.cli.running import Ended, assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

from tunesmith.bundle.load import load_bundle


def compressed(parent: Path, tickets: Path, out: Path, to: str, *flags: str | Path) -> Ended:
    """Make a model smaller in small steps at a high rate: there are few texts and weights."""
    options = {"epochs": 12.0, "batch_tokens": 64, "learning_rate": 3e-3}
    quick = [word for name, value in options.items() for word in ("--set", f"technique.{to}.{name}={value}")]
    quick += ["--max-loss", "30", "--threads", "1"]
    return run("compress", parent, "--data", tickets, "--to", to, "--out", out, *quick, *flags)


def test_a_student_is_a_model_like_any_other(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Of one layer; it learns from further texts, answers, and is made smaller still."""
    more, out, rounded = tmp_path / "more.csv", tmp_path / "student.model", tmp_path / "int8.model"
    more.write_text(csv_text(["text"], [[f"{text} again"] for text, _ in rows()[:30]]), "utf-8")
    ended = compressed(probed.folder, tickets, out, "student", "--unlabelled", more, "--json")
    found = ended.json()
    assert problems("compress.json", found) == []
    assert found["after"]["size_mib"] < found["before"]["size_mib"]
    fitted = load_bundle(probed.folder).facts.data.train
    assert found["notes"][0] == "begun as layer 1 of 2, counted from 0"
    assert found["notes"][1].startswith(f"taught by the model before on {fitted + 30} texts")
    told = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert problems("bundle-encoder.json", told) == []
    assert json.loads((out / "config.json").read_text("utf-8"))["num_hidden_layers"] == 1
    assert run("predict", out, tickets, "--json").code == 0
    assert "compressed student: lost" in run("info", out).out
    small = run("compress", out, "--data", tickets, "--out", rounded, "--max-loss", "30", "--threads", "1", "--quiet")
    assert small.code == 0, small.err
    compression = load_bundle(rounded).facts.compression
    assert compression is not None
    assert compression.earlier == ("student",)
    assert "compressed int8 of student: lost" in run("info", rounded).out
    note = json.loads((rounded / "costs.json").read_text("utf-8"))["compression"]["notes"][-1]
    assert note == "the validation rows, which chose the model", "the student's head has not seen them"


def test_a_student_of_too_many_layers_is_refused(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """With how many there may be."""
    two = ["--set", "technique.student.layers=2", "--quiet"]
    ended = compressed(probed.folder, tickets, tmp_path / "out.model", "student", *two)
    assert_error(ended, "bad-setting", "layers = 2", code=2)


def test_a_pruned_model_is_a_model_like_any_other(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """With half of the neurons; of its small vocabulary all pieces are common."""
    out = tmp_path / "pruned.model"
    found = compressed(probed.folder, tickets, out, "pruned", "--json").json()
    assert problems("compress.json", found) == []
    assert found["after"]["size_mib"] < found["before"]["size_mib"]
    assert found["notes"][0] == "24 of 48 feed-forward neurons of each layer kept"
    assert "the vocabulary stays as it is" in found["notes"][1]
    assert problems("bundle-encoder.json", json.loads((out / "tunesmith.json").read_text("utf-8"))) == []
    assert json.loads((out / "config.json").read_text("utf-8"))["intermediate_size"] == 24
    assert run("predict", out, tickets, "--json").code == 0
