"""``compare``: models on the same rows, held to what ``evaluate`` and ``predict`` say of each alone."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

import tunesmith
from tunesmith.evaluate.paired import holm, mcnemar
from tunesmith.types import JSON

QUICK = ("--rungs", "linear", "--budget", "none", "--threads", "1", "--quiet")


def written(path: Path, header: Sequence[str], records: Sequence[Sequence[str]]) -> Path:
    """Write a file."""
    path.write_text(csv_text(header, records), "utf-8")
    return path


def trained(data: Path, out: Path, *more: str) -> Path:
    """Train word counts."""
    done = run("train", data, "--out", out, *QUICK, *more)
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows whose words were changed, on which models err, with a channel and a second column of text."""
    random = np.random.default_rng(0)
    changed = [(" ".join(random.permutation(text.split())[:2].tolist()), label) for text, label in rows()]
    records = [
        [text, f"{label} please", label, "web" if row % 3 else "mail"] for row, (text, label) in enumerate(changed)
    ]
    return written(tmp_path_factory.mktemp("hard") / "hard.csv", ["text", "more", "topic", "channel"], records)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, tickets: Path) -> Path:
    """A model of the same topics that was trained on other rows."""
    records = [[text, label] for text, label in rows()[::2]]
    data = written(tmp_path_factory.mktemp("other") / "half.csv", ["text", "topic"], records)
    return trained(data, data.parent / "other.model")


def figures(model: Path, data: Path) -> JSON:
    """What ``evaluate`` says."""
    return run("evaluate", model, data, "--json").json()["metrics"]


def answers(model: Path, data: Path) -> list[str]:
    """What ``predict`` says."""
    return [answer["label"] for answer in run("predict", model, data, "--column", "text", "--json").lines()]


def test_two_models(probed: Model, other: Path, hard: Path) -> None:
    """Differences of what ``evaluate`` says, and rows counted as ``predict`` answers them."""
    found = run("compare", probed.folder, other, hard, "--json").json()
    assert problems("compare.json", found) == []
    assert found["rows"] == 120
    assert found["reference"]["model"] == str(probed.folder)
    (model,) = found["models"]
    alone = [figures(each, hard) for each in (probed.folder, other)]
    assert list(model["gains"]) == ["accuracy", "macro_f1"]
    for name, gain in model["gains"].items():
        assert model["figures"][name] == alone[1][name]
        assert found["reference"]["figures"][name] == alone[0][name]
        assert gain["value"] == pytest.approx(alone[1][name]["value"] - alone[0][name]["value"], abs=1e-12)
        assert gain["low"] <= gain["value"] <= gain["high"]
        assert gain["p_adjusted"] == gain["p_value"]
    right = [label for _, label in rows()]
    told = [answers(each, hard) for each in (probed.folder, other)]
    hits = [np.array([one == two for one, two in zip(each, right, strict=True)]) for each in told]
    assert model["gains"]["accuracy"]["p_value"] == mcnemar(*hits)
    assert model["gains"]["accuracy"]["test"] == "McNemar"
    assert model["only_right"] == int((hits[1] & ~hits[0]).sum()) > 0
    assert model["only_reference_right"] == int((hits[0] & ~hits[1]).sum()) > 0
    alike = np.mean([one == two for one, two in zip(*told, strict=True)])
    assert model["agreement"]["value"] == pytest.approx(alike)
    assert 0.0 < model["agreement"]["low"] < alike < model["agreement"]["high"] < 1.0


def test_the_interval_is_that_of_95_percent(probed: Model, other: Path, hard: Path) -> None:
    """Of a mean of so many rows, near enough to what the normal distribution gives."""
    (model,) = run("compare", probed.folder, other, hard, "--json").json()["models"]
    told = [np.array(answers(each, hard)) == [label for _, label in rows()] for each in (probed.folder, other)]
    difference = told[1].astype(float) - told[0]
    gain = model["gains"]["accuracy"]
    assert gain["high"] - gain["low"] == pytest.approx(2 * 1.96 * difference.std() / 120**0.5, rel=0.2)


def test_several_models_and_a_reference(climbed: Model, probed: Model, other: Path, hard: Path) -> None:
    """The order is that of the command, apart from the reference; p-values are adjusted, and it is said."""
    named = [climbed.folder, probed.folder, other]
    found = run("compare", *named, hard, "--reference", probed.folder, "--json").json()
    assert problems("compare.json", found) == []
    assert found["reference"]["model"] == str(probed.folder)
    assert [each["model"] for each in found["models"]] == [str(climbed.folder), str(other)]
    for name in found["reference"]["figures"]:
        gains = [each["gains"][name] for each in found["models"]]
        assert [gain["p_adjusted"] for gain in gains] == holm([gain["p_value"] for gain in gains])
    one = run("compare", probed.folder, other, hard, "--json").json()["models"][0]
    assert found["models"][1]["gains"]["accuracy"]["value"] == one["gains"]["accuracy"]["value"]
    shown = run("compare", *named, hard, "--reference", probed.folder).out
    assert "2 models are held against one" in shown
    assert shown.count("(Holm)") == 2 * len(found["reference"]["figures"]) + 1
    assert "held against" not in run("compare", *named[:2], hard).out


def test_the_table(probed: Model, other: Path, hard: Path) -> None:
    """Each figure with its interval, what is gained with its own, and p; no line is that of one model alone."""
    shown = run("compare", probed.folder, other, hard, "--by", "channel").out.splitlines()
    assert shown[0] == "120 rows, 95 % intervals"
    assert f"{probed.folder} (reference)" in shown
    figure = r"0\.\d{4} \(0\.\d{4} to [01]\.\d{4}\)"
    gain = r"[+-]0\.\d{4} \([+-]0\.\d{4} to [+-]0\.\d{4}\)"
    assert len([line for line in shown if re.fullmatch(rf"  accuracy +{figure}", line)]) == 1
    assert (
        len([line for line in shown if re.fullmatch(rf"  accuracy +{figure}  {gain}  p (< )?0\.\d+, McNemar", line)])
        == 1
    )
    assert any(
        re.match(rf"{other}: answers \d+\.\d % of the rows alike; \d+ right only by it, ", line) for line in shown
    )
    place = shown.index("  web: 80 rows")
    assert re.fullmatch(rf"    {gain}  {other}", shown[place + 1])
    assert shown[place + 2] == "  mail: 40 rows"


def test_slices_are_comparisons_of_their_rows(probed: Model, other: Path, hard: Path, tmp_path: Path) -> None:
    """As if a file held those rows alone."""
    found = run("compare", probed.folder, other, hard, "--by", "channel", "--json").json()
    assert problems("compare.json", found) == []
    lines = hard.read_text("utf-8").splitlines()
    for each in found["slices"]:
        part = tmp_path / f"{each['value']}.csv"
        part.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.endswith(each["value"]))]), "utf-8")
        alone = run("compare", probed.folder, other, part, "--json").json()
        assert alone["rows"] == each["rows"]
        assert each["gains"][0] == {name: alone["models"][0]["gains"]["accuracy"][name] for name in each["gains"][0]}


def test_python_gives_what_the_command_prints(probed: Model, other: Path, hard: Path) -> None:
    """From folders or loaded models, from a file or a frame."""
    expected = run("compare", probed.folder, other, hard, "--json").json()
    assert tunesmith.compare([probed.folder, other], hard) == expected
    models = [tunesmith.load(other), tunesmith.load(probed.folder)]
    lines = list(csv.DictReader(hard.read_text("utf-8").splitlines()))
    frame = {name: [line[name] for line in lines] for name in ("text", "topic")}
    assert tunesmith.compare(models, frame, reference=models[1], label="topic") == expected


def test_every_model_reads_its_own_columns(probed: Model, hard: Path, tmp_path: Path) -> None:
    """Those of its training file, which is said; or those that are named, by all."""
    joined = trained(hard, tmp_path / "joined.model", "--text", "text,more")
    shown = run("compare", probed.folder, joined, hard)
    assert f'{probed.folder} reads "text"' in shown.err
    assert f'{joined} reads "text", "more"' in shown.err
    found = run("compare", probed.folder, joined, hard, "--json").json()
    assert found["models"][0]["figures"]["accuracy"]["value"] > 0.95
    named = run("compare", probed.folder, joined, hard, "--json", "--text", "text")
    assert named.json()["models"][0]["figures"]["accuracy"]["value"] < 0.95
    assert "reads" not in named.err


def test_numbers_of_different_scales(tmp_path: Path) -> None:
    """Each model keeps the mean and the spread of its own training rows; answers are numbers, never alike."""
    random = np.random.default_rng(0)
    grades = random.integers(0, 7, 240)
    texts = [" ".join(["good"] * grade + ["bad"] * (6 - grade) + [str(row)]) for row, grade in enumerate(grades)]
    low = [
        [text, f"{grade / 2 + 0.01 * (row % 7):.2f}"]
        for row, (text, grade) in enumerate(zip(texts, grades, strict=True))
    ]
    parts = (low[:120], [row for row in low[120:] if float(row[1]) > 1.5])
    models = [
        trained(written(tmp_path / f"{name}.csv", ["text", "grade"], part), tmp_path / name, "--task", "score")
        for name, part in zip("ab", parts, strict=True)
    ]
    scales = [json.loads((model / "tunesmith.json").read_text("utf-8"))["scale"] for model in models]
    assert scales[1]["mean"] > scales[0]["mean"] + 0.3
    whole = written(tmp_path / "whole.csv", ["text", "grade"], low)
    found = run("compare", *models, whole, "--json").json()
    assert problems("compare.json", found) == []
    alone = [figures(each, whole) for each in models]
    for name, gain in found["models"][0]["gains"].items():
        assert gain["value"] == pytest.approx(alone[1][name]["value"] - alone[0][name]["value"], abs=1e-5)
        assert found["models"][0]["figures"][name]["value"] == pytest.approx(alone[1][name]["value"], abs=1e-5)
    assert found["models"][0]["agreement"] is None
    assert "alike" not in run("compare", *models, whole).out


def test_several_labels_are_compared_by_their_thresholds(tmp_path: Path) -> None:
    """As each model answers, whatever threshold would suit the rows at hand; and all labels of a row must be right."""
    random = np.random.default_rng(1)
    told = [[label for label in ("late", "damaged", "refund") if random.random() < 0.4] for _ in range(240)]
    noisy = [[label for label in labels if random.random() < 0.8] for labels in told]
    records = [[f"{row} hello {' '.join(labels)}", "; ".join(labels)] for row, labels in enumerate(told)]
    blurred = [[text, "; ".join(labels)] for (text, _), labels in zip(records, noisy, strict=True)]
    models = [
        trained(written(tmp_path / f"{name}.csv", ["text", "labels"], part), tmp_path / name, "--task", "multi_label")
        for name, part in (("a", records[:120]), ("b", blurred[120:]))
    ]
    whole = written(tmp_path / "whole.csv", ["text", "labels"], blurred)
    found = run("compare", *models, whole, "--json").json()
    assert problems("compare.json", found) == []
    (model,) = found["models"]
    alone = [figures(each, whole) for each in models]
    for name, gain in model["gains"].items():
        assert gain["value"] == pytest.approx(alone[1][name]["value"] - alone[0][name]["value"], abs=1e-9)
    difference = model["only_right"] - model["only_reference_right"]
    assert difference / 240 == pytest.approx(model["gains"]["subset_accuracy"]["value"])


def test_models_of_different_things_are_refused(probed: Model, hard: Path, tmp_path: Path) -> None:
    """Another task, other labels, pairs in place of texts; what differs is told."""
    words = ["where", "is", "my", "card"]
    records = [
        [f"{words[row % 4]} {row}", f"more {row}", "card" if row % 2 else "gone", str(row % 3)] for row in range(90)
    ]
    data = written(tmp_path / "d.csv", ["text_a", "text_b", "label", "stars"], records)
    labels = trained(data, tmp_path / "labels", "--text", "text_a")
    words_of = ["models-differ", "do not learn the same"]
    told = ['only here: "delivery", "refund"', "only in", '"gone"']
    assert_error(run("compare", probed.folder, labels, hard), *words_of, *told)
    pairs = trained(data, tmp_path / "pairs")
    assert_error(run("compare", labels, pairs, data), *words_of, "single texts here")
    levels = trained(data, tmp_path / "levels", "--text", "text_a", "--label", "stars", "--task", "ordinal")
    assert_error(run("compare", labels, levels, data), *words_of, "single_label here, ordinal in")
    yes, no = (
        trained(data, tmp_path / label, "--text", "text_a", "--label", "label", "--positive", label)
        for label in ("card", "gone")
    )
    assert_error(run("compare", yes, no, data), *words_of, "the same labels in another order")


def test_what_is_no_comparison_is_refused(probed: Model, climbed: Model, hard: Path, tmp_path: Path) -> None:
    """One model, one model twice, a reference that is not among them, and a file that was forgotten."""
    one, two = probed.folder, climbed.folder
    assert_error(run("compare", one, hard), "too-few-models", "tunesmith evaluate")
    assert_error(run("compare", one, two), "no-data", "the last argument is a model folder too")
    assert_error(run("compare", one, two, one, hard), "same-model", "named twice")
    assert_error(run("compare", one, two, hard, "--reference", tmp_path), "no-such-reference", str(two))
    assert_error(run("compare", one, tmp_path / "none", hard), "not-a-bundle", code=3)
    assert_error(run("compare", one, two, hard, "--by", "chanel"), "no-such-column", "did you mean --by channel?")
    with_unknown = written(tmp_path / "u.csv", ["text", "topic"], [["where is it?", "card"], ["what?", "weather"]])
    assert_error(run("compare", one, two, with_unknown), "unseen-label", '"weather"')
