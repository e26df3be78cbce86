"""What people ask of such tools, one test a demand, by the command line as they would use it.

The numbers are those of the project's list of demands, gathered from the issue threads of other tools.
"""

from __future__ import annotations

import csv
import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tests.cli.running import run
from tests.ladder.tiny_base import _WORDS, tiny_base
from tokenizers import Tokenizer
from transformers import pipeline

import tunesmith
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import write_manifest
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.runtimes.graph import POOLINGS


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a file as people have it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)
    return path


def messages(labels: Sequence[object], *, n_rows: int = 120) -> list[tuple[str, object]]:
    """Texts whose first word tells the label."""
    random = np.random.default_rng(0)
    rows = []
    for row in range(n_rows):
        told = row % len(labels)
        rows.append((" ".join([_WORDS[told], *random.choice(_WORDS[6:], 5)]), labels[told]))
    return rows


@pytest.mark.parametrize("name", ["label ", " Label", "LABEL", "la_bel"])
def test_demand_01_a_label_column_is_found_whatever_its_header_looks_like(tmp_path: Path, name: str) -> None:
    """Spaces, case and underscores do not matter; numbers and truth values are labels like any others."""
    data = write(tmp_path / "rows.csv", ["text", name], messages([True, False]))
    done = run(
        "train", data, "--label", "label", "--rungs", "linear", "--budget", "none", "--out", tmp_path / "m", "--json"
    )
    assert done.code == 0, done.err
    assert run("info", tmp_path / "m", "--json").json()["labels"] == ["False", "True"]


def test_demand_01_a_missing_label_column_is_told_with_what_to_type(tmp_path: Path) -> None:
    """The columns there are, the nearest, three rows, and the flag."""
    data = write(tmp_path / "rows.csv", ["note", "kind_of"], messages(["a", "b"]))
    typed = run(
        "train",
        data,
        "--text",
        "note",
        "--label",
        "kindof_",
        "--out",
        tmp_path / "m",
        "--rungs",
        "linear",
        "--budget",
        "none",
    )
    assert typed.code == 0, "only underscores differ"
    wrong = run("train", data, "--text", "note", "--label", "kindd", "--out", tmp_path / "x")
    assert wrong.code == 2
    assert '"note", "kind_of"' in wrong.err
    assert "did you mean --label kind_of" in wrong.err
    odd = write(tmp_path / "odd.csv", ["note", "q", "r"], [(a, b, b) for a, b in messages(["a", "b"])])
    unclear = run("train", odd, "--text", "note")
    assert unclear.code == 2
    assert len(re.findall(r"line \d", unclear.err)) >= 3
    assert "--label" in unclear.err


def test_demand_02_labels_may_be_any_values(tmp_path: Path) -> None:
    """13 need not be below the number of classes; the map is kept, and Python gives the type back."""
    model = tunesmith.train(
        {"text": [text for text, _ in messages([13, 7, 400])], "label": [label for _, label in messages([13, 7, 400])]},
        rungs=["linear"],
        out=tmp_path / "m",
    )
    assert model.predict([f"{_WORDS[0]} {_WORDS[9]}"])[0].label == 13
    assert sorted(model.labels) == [7, 13, 400]


def test_demand_02_a_label_of_validation_rows_alone_is_told_by_line(tmp_path: Path) -> None:
    """Not as an index out of bounds, minutes later."""
    data = write(tmp_path / "rows.csv", ["text", "label"], messages(["a", "b"]))
    other = write(tmp_path / "validation.csv", ["text", "label"], [*messages(["a", "b"], n_rows=6), ("new", "c")])
    done = run("train", data, "--validation", other, "--out", tmp_path / "m")
    assert done.code == 2
    assert "unseen-label" in done.err
    assert '"c"' in done.err
    assert "line 8" in done.err


@pytest.mark.parametrize("word", ["null", "NA", "None", "nan", "N/A"])
def test_demand_03_words_that_look_like_nothing_are_text(tmp_path: Path, word: str) -> None:
    """As a text and as a label; an empty cell is told, kept or left out as asked."""
    rows = [*messages(["real", word]), (word, "real"), ("", word)]
    data = write(tmp_path / "rows.csv", ["text", "label"], rows)
    done = run("train", data, "--rungs", "linear", "--budget", "none", "--out", tmp_path / "m", "--json")
    assert done.code == 0, done.err
    assert "1 row with an empty text" in done.err or "empty text" in done.err
    assert sorted(run("info", tmp_path / "m", "--json").json()["labels"]) == sorted(["real", word])
    write(data, ["text", "label"], [*rows, ("a text", "")])
    assert run("train", data, "--out", tmp_path / "x").code == 2
    dropped = run("train", data, "--rungs", "linear", "--budget", "none", "--drop-unlabelled", "--out", tmp_path / "x")
    assert dropped.code == 0, dropped.err
    assert "1 row without a label was left out" in dropped.err


def test_demand_07_a_local_base_never_touches_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training, answering and measuring with every socket refused."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    data = write(tmp_path / "rows.csv", ["text", "label"], messages(["a", "b"]))
    base = tiny_base(tmp_path / "base")
    done = run("train", data, "--base", base, "--rungs", "probe", "--out", tmp_path / "m", "--budget", "none")
    assert done.code == 0, done.err
    assert run("predict", tmp_path / "m", "--text", "hello").code == 0
    assert run("evaluate", tmp_path / "m", data).code == 0


def test_demand_09_imbalance_is_treated_and_no_dead_class_is_hidden(tmp_path: Path) -> None:
    """Without weights by hand; recall of each class is told, and a class that is never answered is warned about."""
    random = np.random.default_rng(1)
    rows = [(" ".join(random.choice(_WORDS, 5)), "rare" if row % 24 == 0 else "common") for row in range(600)]
    data = write(tmp_path / "rows.csv", ["text", "label"], rows)
    treated = run("train", data, "--rungs", "linear", "--budget", "none", "--out", tmp_path / "m")
    assert "imbalance: weights" in treated.err
    plain = run("train", data, "--rungs", "linear", "--budget", "none", "--imbalance", "none", "--out", tmp_path / "x")
    assert 'no row of "rare" is answered right' in plain.err
    assert "recall" in run("evaluate", tmp_path / "m", data).out


def test_demand_12_the_head_is_saved_and_a_lost_one_is_not_made_up(tmp_path: Path) -> None:
    """A reloaded model answers as the trained one did; with its head gone or of another shape it is refused."""
    data = write(tmp_path / "rows.csv", ["text", "label"], messages(["a", "b", "c"]))
    flags = ["--base", tiny_base(tmp_path / "base"), "--rungs", "probe,finetune", "--budget", "none", "--json"]
    learnt = ["--set", "rung.finetune.learning_rate=3e-3", "--set", "rung.finetune.epochs=6"]
    assert run("train", data, *flags, *learnt, "--out", tmp_path / "m", "--offline").code == 0
    measured = run("evaluate", tmp_path / "m", data, "--json").json()["metrics"]["accuracy"]["value"]
    assert measured > 0.9
    head = tmp_path / "m" / "head.safetensors"
    tensors = load_tensors(head)
    save_tensors(head, {name: tensor[:2] for name, tensor in tensors.items()})
    write_manifest(tmp_path / "m")
    with pytest.raises(ArtifactError, match="head-differs"):
        tunesmith.load(tmp_path / "m")
    head.unlink()
    write_manifest(tmp_path / "m")
    with pytest.raises(ArtifactError, match="lacks files"):
        tunesmith.load(tmp_path / "m")


def of_unlike_length(*, n_rows: int, seed: int = 2) -> list[tuple[str, object]]:
    """Texts of one word to nearly a window, whose first word tells the label."""
    random = np.random.default_rng(seed)
    words = [random.choice(_WORDS[6:], size=int(size)) for size in random.permutation(n_rows) % 40]
    return [(" ".join([_WORDS[row % 3], *more]), "abc"[row % 3]) for row, more in enumerate(words)]


def trained_to_export(tmp_path: Path) -> tuple[Path, Path]:
    """A model fine-tuned on texts of like and unlike length, and rows of other texts that it answers well."""
    rows = [*messages(["a", "b", "c"], n_rows=240), *of_unlike_length(n_rows=240, seed=3)]
    data = write(tmp_path / "rows.csv", ["text", "label"], rows)
    flags = ["--base", tiny_base(tmp_path / "base"), "--rungs", "probe,finetune", "--budget", "none", "--offline"]
    learnt = ["--set", "rung.probe.poolings=mean", "--set", "rung.finetune.learning_rate=3e-3"]
    assert run("train", data, *flags, *learnt, "--threads", "1", "--out", tmp_path / "m").code == 0
    return tmp_path / "m", write(tmp_path / "others.csv", ["text", "label"], of_unlike_length(n_rows=120))


def test_demand_13_an_export_answers_as_the_model_does(tmp_path: Path) -> None:
    """In ONNX Runtime and in transformers, by their own means, on padded batches of texts of unlike length."""
    model, others = trained_to_export(tmp_path)
    texts, labels = zip(*of_unlike_length(n_rows=120), strict=True)
    told = [answer["label"] for answer in run("predict", model, others, "--json").lines()]
    assert np.mean([one == label for one, label in zip(told, labels, strict=True)]) > 0.7
    for target in ("onnx", "transformers"):
        done = run("export", model, "--to", target, "--data", others, "--threads", "1", "--out", tmp_path / target)
        assert done.code == 0, done.err
    tokenizer = Tokenizer.from_file(str(tmp_path / "onnx" / "tokenizer.json"))
    tokenizer.enable_padding()
    session = onnxruntime.InferenceSession(str(tmp_path / "onnx" / "model.onnx"))
    encoded = tokenizer.encode_batch(list(texts))
    given = {"input_ids": [each.ids for each in encoded], "attention_mask": [each.attention_mask for each in encoded]}
    given["token_type_ids"] = [each.type_ids for each in encoded]
    (shares,) = session.run(["probabilities"], {each.name: np.array(given[each.name]) for each in session.get_inputs()})
    assert len({sum(each.attention_mask) for each in encoded}) > 20, "texts of one length prove nothing"
    assert [sorted(set(labels))[number] for number in shares.argmax(axis=1)] == told
    classify = pipeline("text-classification", model=str(tmp_path / "transformers"), device="cpu", batch_size=16)
    assert [answer["label"] for answer in classify(list(texts))] == told


def test_demand_13_an_export_that_answers_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loudly, with how far it is off, and nothing is left that somebody might deploy."""
    model, others = trained_to_export(tmp_path)
    unmasked = lambda made, texts, pool: made("ReduceMean", texts.hidden, made.constant([1]), keepdims=0)  # noqa: E731
    monkeypatch.setitem(POOLINGS, "mean", unmasked)  # what fills a batch up counts too
    done = run("export", model, "--to", "onnx", "--data", others, "--threads", "1", "--out", tmp_path / "onnx")
    assert done.code == 3
    assert "export-differs" in done.err
    assert "largest difference of logits" in done.err
    assert not (tmp_path / "onnx").exists()


def test_demand_18_no_word_of_a_long_text_is_lost(tmp_path: Path) -> None:
    """Far beyond the encoder's limit, the last word still moves the answer, and every token is counted."""
    data = write(tmp_path / "rows.csv", ["text", "label"], messages(["a", "b"]))
    flags = ["--base", tiny_base(tmp_path / "base"), "--rungs", "probe", "--budget", "none", "--offline"]
    assert run("train", data, *flags, "--out", tmp_path / "m").code == 0
    start = " ".join([_WORDS[8]] * 2000)
    asked = [part for word in _WORDS[:2] for part in ("--text", f"{start} {word}")]
    one, other = map(json.loads, run("predict", tmp_path / "m", *asked, "--json").out.splitlines())
    assert one["probability"] != other["probability"]
    assert one["n_tokens"] > 2000
    assert one["n_windows"] > 30
    assert one["truncated"] is False


def test_demand_22_what_training_prints_can_be_run(tmp_path: Path) -> None:
    """Three commands, taken from the screen as they are: predict, evaluate and Python."""
    data = write(tmp_path / "rows.csv", ["text", "label"], messages(["a", "b"]))
    done = run("train", data, "--rungs", "linear", "--budget", "none", "--out", tmp_path / "my model")
    printed = [line.strip() for line in done.out.splitlines() if line.startswith("  ") and "my model" in line]
    commands = [line for line in printed if line.startswith(("tunesmith ", "python "))]
    assert [command.split()[0:2] for command in commands][:2] == [["tunesmith", "predict"], ["tunesmith", "evaluate"]]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command.replace("FILE.csv", str(data)))
        module = ["-m", "tunesmith"] if program == "tunesmith" else []
        ended = subprocess.run([sys.executable, *module, *arguments], check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout
