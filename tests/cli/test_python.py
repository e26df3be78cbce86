"""The Python interface: what ``import tunesmith`` offers."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Model
from tests.cli.running import run
from tests.cli.schemas import problems
from tests.cli.small_world import LABELS, rows

import tunesmith
from tunesmith.errors import ArtifactError, ConfigError, DataError
from tunesmith.files.manifest import verify_manifest

TEXTS = ["where is my card?", "", "a parcel " * 100]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> tunesmith.Model:
    """A model trained on a mapping of lists whose labels are whole numbers."""
    out = tmp_path_factory.mktemp("numbered") / "m"
    data = {"text": [text for text, _ in rows()], "label": [10 * LABELS.index(label) for _, label in rows()]}
    return tunesmith.train(data, rungs=["linear"], budget="none", threads=1, out=out)


def test_labels_come_back_in_the_type_they_came_in(numbered: tunesmith.Model) -> None:
    """Whole numbers in, whole numbers out."""
    texts, labels = zip(*rows(), strict=True)
    found = [answer.label for answer in numbered.predict(texts)]
    assert numbered.labels == [0, 10, 20]
    assert {type(label) for label in found} == {int}
    assert sum(a == 10 * LABELS.index(b) for a, b in zip(found, labels, strict=True)) >= 114


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([True, False], [False, True]), ([0.5, 1.5], [0.5, 1.5]), (["01", "1"], ["01", "1"]), ([1, "1x"], ["1", "1x"])],
)
def test_every_type_of_label(labels: list[object], expected: list[object], tmp_path: Path) -> None:
    """Truth values, fractions and texts; where types are mixed, texts."""
    data = {"text": [text for text, _ in rows()][:40], "label": labels * 20}
    model = tunesmith.train(data, rungs=["linear"], budget="none", threads=1, out=tmp_path / "m")
    assert model.labels == expected
    assert {type(answer.label) for answer in model.predict(TEXTS)} <= {type(label) for label in expected}
    assert model.evaluate(["where is it?", "who is it?"], labels)["rows"] == 2


def test_train_stays_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The subpackage of the same name, once imported, must not take its place; a test may still put its own there."""
    importlib.import_module("tunesmith.train.loop")
    assert callable(tunesmith.train)
    with monkeypatch.context() as patched:
        patched.setattr(tunesmith, "train", "mine")
        assert tunesmith.train == "mine"
    assert callable(tunesmith.train)
    with pytest.raises(AttributeError, match="trane"):
        tunesmith.trane  # noqa: B018


def test_probabilities_add_up(probed: Model) -> None:
    """One column a label, in their order; the largest is the answer's."""
    model = tunesmith.load(probed.folder)
    shares = model.predict_proba(TEXTS)
    assert shares.shape == (3, len(LABELS))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    answers = model.predict(TEXTS)
    assert [answer.label for answer in answers] == [model.labels[best] for best in shares.argmax(axis=1)]
    np.testing.assert_allclose([answer.probability for answer in answers], shares.max(axis=1))
    assert [answer.n_tokens for answer in answers][1] == 2
    assert model.predict([]) == []


def test_python_answers_what_the_command_line_does(probed: Model) -> None:
    """To the last digit."""
    answers = tunesmith.load(probed.folder).predict(TEXTS)
    told = run("predict", probed.folder, *(part for text in TEXTS for part in ("--text", text)), "--json").lines()
    assert [(answer.label, answer.probability) for answer in answers] == [
        (answer["label"], answer["probability"]) for answer in told
    ]


def test_measuring(numbered: tunesmith.Model) -> None:
    """Right labels in the type they came in; others are refused by name."""
    found = numbered.evaluate([text for text, _ in rows()], [10 * LABELS.index(label) for _, label in rows()])
    assert problems("evaluate.json", found) == []
    assert found["metrics"]["accuracy"]["value"] >= 0.95
    with pytest.raises(DataError, match='"7"'):
        numbered.evaluate(["where is it?"], [7])


def test_saving_is_a_copy_that_loads(probed: Model, tmp_path: Path) -> None:
    """Whole, and never over something that is there."""
    model = tunesmith.load(probed.folder)
    model.save(tmp_path / "copy")
    verify_manifest(tmp_path / "copy")
    np.testing.assert_array_equal(tunesmith.load(tmp_path / "copy").predict_proba(TEXTS), model.predict_proba(TEXTS))
    with pytest.raises(ConfigError, match="something at this place") as caught:
        model.save(tmp_path / "copy")
    assert caught.value.code == "out-exists"


def test_a_model_is_loaded_from_wherever_one_stands(probed: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """``load(".")`` inside the folder, and from one of its own folders."""
    monkeypatch.chdir(probed.folder)
    assert tunesmith.load(".").labels == list(LABELS)
    monkeypatch.chdir(probed.folder / "1_Pooling")
    assert tunesmith.load("..").labels == list(LABELS)


@pytest.mark.parametrize("command", ["load", "predict", "evaluate", "info"])
def test_a_model_whose_writer_was_killed_between_two_renames_is_found(
    probed: Model, tickets: Path, tmp_path: Path, command: str
) -> None:
    """Where systems cannot swap folders in one step, the new one may wait beside its place; whoever comes puts it."""
    tunesmith.load(probed.folder).save(tmp_path / "new")
    (tmp_path / "m.work").mkdir()
    (tmp_path / "new").rename(tmp_path / "m.work" / "next")
    if command == "load":
        assert tunesmith.load(tmp_path / "m").labels == list(LABELS)
    else:
        more = {"predict": ["--text", "hi"], "evaluate": [str(tickets)], "info": []}[command]
        assert run(command, tmp_path / "m", *more).code == 0


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    """The error is the command line's."""
    with pytest.raises(ArtifactError, match="not a tunesmith model"):
        tunesmith.load(tmp_path)


def test_a_single_text_is_no_list(probed: Model) -> None:
    """Its letters would each be answered."""
    with pytest.raises(ConfigError, match="list of texts"):
        tunesmith.load(probed.folder).predict("where is my card?")


@pytest.mark.parametrize(
    ("data", "told"),
    [({}, "columns of one length"), ({"text": ["a"], "label": []}, "columns of one length"), ([1, 2], "list")],
)
def test_what_is_no_table_is_refused(data: object, told: str, tmp_path: Path) -> None:
    """Nothing is written."""
    with pytest.raises(DataError, match=told):
        tunesmith.train(data, rungs=["linear"], budget="none", out=tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_the_narrator_is_told_the_story(tmp_path: Path) -> None:
    """Python is silent unless it gives somebody to tell."""

    class Diary:
        def __init__(self) -> None:
            self.lines: list[str] = []

        def say(self, line: str) -> None:
            self.lines.append(line)

        def progress(self, stage: str, share: float, left_s: float | None = None) -> None:
            del stage, share, left_s

    diary = Diary()
    data = {"text": [text for text, _ in rows()], "label": [label for _, label in rows()]}
    out, rungs = tmp_path / "m", ["linear"]
    tunesmith.train(data, rungs=rungs, budget="none", threads=1, out=out, narrator=diary)
    assert any(line.startswith("linear: accuracy") for line in diary.lines)
    again = tunesmith.train(data, rungs=rungs, budget="none", threads=1, out=out, narrator=diary, resume=True)
    assert "had come to its end" in diary.lines[-1]
    assert again.labels == list(LABELS)


@pytest.mark.parametrize("from_python", [True, False])
def test_the_budget_counts_from_the_call(
    from_python: bool, tickets: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook may have been open for hours; only a command begins with its process."""
    out = tmp_path / "m"
    if from_python:
        monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 3600.0)
        tunesmith.train(tickets, rungs=["linear", "probe"], base=base, budget="10m", threads=1, out=out)
    else:
        common = ["--base", base, "--budget", "10m", "--threads", "1", "--offline", "--quiet"]
        assert run("train", tickets, "--rungs", "linear,probe", *common, "--out", out, age_s=3600.0).code == 0
    climbed = [rung["name"] for rung in json.loads((out / "costs.json").read_text("utf-8"))["rungs"]]
    assert climbed == (["linear", "probe"] if from_python else ["linear"])
