"""The code in an export's README runs as it stands there, and answers as the model does."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.test_stock import without_constant
from tests.export.tiny_models import EVERY, TEXTS, tiny_model

from tunesmith.export.card import measured_lines
from tunesmith.export.parity import expected_of
from tunesmith.export.source import Model
from tunesmith.export.targets import TARGETS
from tunesmith.export.trial import Given, trial_of
from tunesmith.types import JSON

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
_MAY_IMPORT = {
    "onnx": {"json", "pathlib", "numpy", "onnxruntime", "tokenizers"},
    "openvino": {"json", "pathlib", "numpy", "openvino", "tokenizers"},
}


def run_readme(folder: Path, card: str, monkeypatch: pytest.MonkeyPatch, *, n_blocks: int = 2) -> dict[str, Any]:
    """Run every block, one after the other, in the folder; the names they leave."""
    blocks = _BLOCK.findall(card)
    assert len(blocks) == n_blocks
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for code in blocks:
        exec(code, names)
    return names


def written(target: str, model: Model, folder: Path) -> str:
    """The README of an export."""
    folder.mkdir()
    card: str = TARGETS.member(target).write(folder, model, None).card
    return card


Export = Callable[[str, str, str], tuple[Model, Path, str]]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """A tiny model of an architecture and a task, the folder of its export to a target, and the README; made once."""

    @cache
    def made(target: str, model_type: str, task: str) -> tuple[Model, Path, str]:
        folder = tmp_path_factory.mktemp(f"{target}-{model_type}-{task}")
        model = tiny_model(folder / "base", model_type, num_hidden_layers=1, task=task)
        return model, folder / "out", written(target, model, folder / "out")

    return made


@pytest.mark.parametrize(
    ("target", "model_type", "task"),
    [
        ("onnx", "xlm-roberta", "binary"),
        ("onnx", "bert", "score"),
        ("openvino", "xlm-roberta", "multi_label"),
        *(
            [
                *(("onnx", "bert", task) for task in ("single_label", "multi_label", "ordinal")),
                ("openvino", "bert", "score"),
            ]
            if EVERY
            else []
        ),
    ],
)
def test_the_lines_of_a_graph_run(  # noqa: PLR0917
    target: str,
    model_type: str,
    task: str,
    export: Export,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the runtime and tokenizers alone, on texts of any length; token types of another kind than 0 among them."""
    model, folder, card = export(target, model_type, task)
    imported = set(re.findall(r"^(?:import|from) (\w+)", "".join(_BLOCK.findall(card)), re.M))
    assert imported == _MAY_IMPORT[target]
    names = run_readme(folder, card, monkeypatch)
    answer: Callable[[str], Any] = names["answer"]
    expected = expected_of(model, [*TEXTS, *names["texts"]])
    wanted = expected.said.probabilities if model.labels else expected.said.logits
    assert expected.n_windows.max() > 2
    found = np.array([answer(text) for text in [*TEXTS, *names["texts"]]])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * model.coding.spread)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(names["texts"])
    short = expected.n_windows[len(TEXTS) :] == 1
    rows = names["probabilities" if model.labels else "values"][short]
    np.testing.assert_allclose(rows, wanted[len(TEXTS) :][short], rtol=0, atol=1e-4 * model.coding.spread)
    if model.labels:
        for line, told, is_short in zip(printed, expected.said.answers[len(TEXTS) :], short, strict=True):
            assert not is_short or line.startswith(str(told) + " ")


@pytest.mark.parametrize("task", ["binary", "multi_label", "ordinal"] if EVERY else ["multi_label", "ordinal"])
def test_the_lines_of_a_graph_decide_as_the_model(
    task: str, export: Export, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its thresholds, or by the level in the middle; the largest share, or a half, would say something else."""
    model, folder, made = export("onnx", "bert", task)
    texts = [*TEXTS[:-2], *sorted({word for text in TEXTS for word in text.split()})]
    expected = expected_of(model, texts)
    assert expected.is_whole.all()
    said = expected.said
    assert said.probabilities is not None
    assert said.answers is not None
    plain: list[Any] = [model.labels[place] for place in said.probabilities.argmax(axis=1)]
    if task == "multi_label":
        plain = [[model.labels[place] for place in np.flatnonzero(row >= 0.5)] for row in said.probabilities]
    assert plain != list(said.answers)
    card = re.sub(r"^texts = .*$", f"texts = {texts!r}", made, flags=re.M)
    run_readme(folder, card, monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert [told for line, told in zip(lines, said.answers, strict=True) if not line.startswith(f"{told} ")] == []


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_the_lines_of_a_graph_of_pairs_run(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each text by itself, then the head; the first text is the first."""
    model = tiny_model(tmp_path / "base", num_hidden_layers=1, task="binary", pairing="ordered")
    names = run_readme(tmp_path / "out", written(target, model, tmp_path / "out"), monkeypatch, n_blocks=1)
    rows = list(zip(TEXTS, TEXTS[3:] + TEXTS[:3], strict=True))
    found = np.array([names["answer"](*row) for row in rows])
    np.testing.assert_allclose(found, expected_of(model, rows).said.probabilities, rtol=0, atol=1e-4)
    said = expected_of(model, [("where is my parcel?", "how do I track an order?")]).said
    assert capsys.readouterr().out.startswith(f"{said.answers[0]} ")


def test_the_lines_of_a_graph_of_pairs_read_as_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Short pairs in one batch; long ones in windows, one text whole in each or both in parts."""
    model = tiny_model(tmp_path / "base", num_hidden_layers=1, task="single_label", joins=True)
    names = run_readme(tmp_path / "out", written("onnx", model, tmp_path / "out"), monkeypatch)
    rows = [*zip(TEXTS, TEXTS[3:] + TEXTS[:3], strict=True), (TEXTS[-1], "cat"), ("cat", TEXTS[-1])]
    expected = expected_of(model, rows)
    assert expected.n_windows.max() > 3
    found = np.array([names["answer"](*row) for row in rows])
    np.testing.assert_allclose(found, expected.said.probabilities, rtol=0, atol=1e-4)
    assert len(capsys.readouterr().out.splitlines()) == len(names["texts"])


def test_the_lines_of_a_pipeline_of_pairs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both texts in one sequence, as the class was made to read them."""
    model = without_constant(tiny_model(tmp_path / "base", tokenizer="wordpiece", joins=True))
    given = Given("rows.csv", list(zip(TEXTS, TEXTS[3:] + TEXTS[:3], strict=True)))
    (tmp_path / "out").mkdir()
    trial = trial_of(given, model, max_loss=0.5, seed=0, told=print)
    made = TARGETS.member("transformers").write(tmp_path / "out", model, trial)
    assert made.notes["exact"]
    capsys.readouterr()
    run_readme(tmp_path / "out", made.card, monkeypatch, n_blocks=1)
    said = expected_of(model, [("where is my parcel?", "how do I track an order?")])
    assert not said.is_whole.all() or capsys.readouterr().out.split()[0] == said.said.answers[0]


@pytest.mark.parametrize("task", ["single_label", "binary", "multi_label", "ordinal", "score"])
def test_the_lines_of_a_pipeline_run(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And print what the model says."""
    model = without_constant(tiny_model(tmp_path / "base", tokenizer="wordpiece", task=task))
    given = Given("rows.csv", TEXTS)
    (tmp_path / "out").mkdir()
    trial = trial_of(given, model, max_loss=0.5, seed=0, told=print)
    made = TARGETS.member("transformers").write(tmp_path / "out", model, trial)
    capsys.readouterr()
    run_readme(tmp_path / "out", made.card, monkeypatch, n_blocks=1)
    texts = ["where is my parcel?", "I was charged twice"]
    expected = expected_of(model, texts)
    assert expected.is_whole.all()
    for line, told, value in zip(
        capsys.readouterr().out.splitlines(),
        expected.said.answers or (None, None),
        expected.said.logits[:, 0],
        strict=True,
    ):
        match task:
            case "score":
                assert float(line.removeprefix("value ")) == pytest.approx(value, abs=1e-2)
            case "binary":
                assert line.startswith(f"{told == model.labels[1]} ")
            case "multi_label":
                assert sorted(ast.literal_eval(line)) == told
            case _:
                assert line.split()[0] == told


MEASURED: dict[str, JSON] = {
    "runtime": "onnxruntime 1.2",
    "texts": "rows.csv",
    "whole": {"rows": 500, "agreement": 0.998, "logits": 2e-6, "values": None, "probabilities": 3e-7, "vectors": None},
    "cut": None,
    "loss": None,
}


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        ({}, []),
        (
            {"cut": {"rows": 60, "agreement": 0.95, "values": None, "vectors": None}},
            ["Longer texts are cut here and read whole by the model: the same answer for 95.0 % of 60."],
        ),
        (
            {"loss": {"rows": 51, "points": 0.25, "of": "accuracy"}},
            ["Loss on 51 rows held out: 0.25 points of accuracy."],
        ),
    ],
)
def test_what_was_measured_is_told(told: dict[str, JSON], lines: list[str]) -> None:
    """How near it is, what is cut, and what it loses; of what was not measured there is no word."""
    assert measured_lines({**MEASURED, **told}, None).strip().splitlines() == [
        "## Measured",
        "",
        "Compared with the model by onnxruntime 1.2, on 500 texts of rows.csv: largest difference of logits 2.0e-06, "
        "largest difference of probabilities 3.0e-07; the same answer for 99.80 %.",
        *lines,
    ]
