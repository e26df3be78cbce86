"""``tunesmith compress`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest
import torch
from tests.cli.conftest import Model
from tests.cli.running import Ended, assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

from tunesmith.bundle.kinds import runtime as engines_of_runtime
from tunesmith.bundle.load import load_bundle
from tunesmith.compress.source import Compressed
from tunesmith.compress.techniques import TECHNIQUES
from tunesmith.runtimes import engines, graph


@pytest.fixture(scope="module")
def compressed(probed: Model, tickets: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The encoder in whole numbers."""
    out = tmp_path_factory.mktemp("compressed") / "small.model"
    return Model(out, run("compress", probed.folder, "--data", tickets, "--out", out, "--threads", "1", "--json"))


def test_what_was_found_is_told_to_machines(compressed: Model, probed: Model) -> None:
    """By the schema; on the validation rows of the file it was trained on, a quarter of the size and no less right."""
    found = compressed.trained.json()
    assert problems("compress.json", found) == []
    facts = load_bundle(probed.folder).facts
    assert found["rows"] == facts.data.validation
    assert found["loss"]["accuracy"]["value"] <= 0.5
    assert found["after"]["size_mib"] < found["before"]["size_mib"]
    assert found["notes"][-1] == "the validation rows, which chose the model and which its head has seen in the end"


def test_a_compressed_model_says_what_it_is_and_what_it_lost(compressed: Model, probed: Model) -> None:
    """By the schema of its kind, in info and in the card; its figures are those of the model before."""
    bundle = load_bundle(compressed.folder)
    told = json.loads((compressed.folder / "tunesmith.json").read_text("utf-8"))
    assert problems("bundle-runtime.json", told) == []
    compression = bundle.facts.compression
    assert compression is not None
    assert compression.to == "int8"
    assert compression.parent == load_bundle(probed.folder).manifest_sha256
    assert compression.figures["loss"] == compressed.trained.json()["loss"]
    shown = run("info", compressed.folder).out
    assert "runtime, rung probe" in shown
    assert "compressed int8: lost" in shown
    assert "run by     " in shown
    assert "of the model before it was compressed" in shown
    assert "## What compression changed" in (compressed.folder / "README.md").read_text("utf-8")
    page = (compressed.folder / "report.html").read_text("utf-8")
    assert "times smaller" in page
    assert "The same answer" in page


def test_every_command_takes_a_compressed_model(
    compressed: Model, probed: Model, tickets: Path, tmp_path: Path
) -> None:
    """It answers nearly as the model before, and says that it cannot be handed on or made smaller still."""
    assert run("predict", compressed.folder, tickets, "--json").code == 0
    assert run("evaluate", compressed.folder, tickets, "--json").code == 0
    against = run("compare", probed.folder, compressed.folder, tickets, "--json").json()
    assert against["models"][0]["agreement"]["value"] > 0.95
    unlabelled, proposed = tmp_path / "more.csv", tmp_path / "next.csv"
    unlabelled.write_text(csv_text(["text"], [[f"{text} again"] for text, _ in rows()[:9]]), "utf-8")
    assert run("next", compressed.folder, "--unlabelled", unlabelled, "-n", "3", "--out", proposed).code == 0
    assert len(proposed.read_text("utf-8").splitlines()) == 4
    assert_error(run("export", compressed.folder, "--to", "onnx"), "kind-not-exportable", code=2)
    assert_error(run("compress", compressed.folder, "--data", tickets), "kind-not-compressible", code=2)


def test_other_rows_are_halved(probed: Model, tmp_path: Path) -> None:
    """Of a file that it was not trained on, one half tells the ranges and one holds it to the model."""
    other = tmp_path / "more.csv"
    other.write_text(csv_text(["text", "topic"], [(f"{text} again", topic) for text, topic in rows()[:60]]), "utf-8")
    found = run("compress", probed.folder, "--data", other, "--out", tmp_path / "out.model", "--json").json()
    assert found["rows"] == 30
    assert found["notes"][-1] == "a random part of more.csv"


def test_the_temperature_is_fitted_again(compressed: Model, probed: Model) -> None:
    """Near to what it was, and not the same number."""
    before, after = (load_bundle(model.folder).facts.temperature for model in (probed, compressed))
    assert after != before
    assert after == pytest.approx(before, rel=0.2)


@pytest.mark.parametrize("part", ["embeddings.word", "layers.1.grow"])
def test_a_model_that_loses_too_much_is_not_written(
    part: str, probed: Model, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong scales, of one layer too: exit 4 with the loss, its interval and the limit; nothing is left anywhere.

    Of so small a model all layers would stay as they are, for rounding them changes a few answers in a hundred.
    """
    technique = TECHNIQUES.member("int8")
    monkeypatch.setattr(technique, "_MOST_CHANGED", 100.0)
    compress = technique.compress

    def spoilt(*given: object, **named: object) -> Compressed:
        made: Compressed = compress(*given, **named)
        scale = made.model.classifier.encoder.get_submodule(part).scale
        scale.copy_(scale.flip(0) * torch.linspace(-20.0, 20.0, len(scale)))
        return made

    monkeypatch.setattr(technique, "compress", spoilt)
    out = tmp_path / "out.model"
    ended = run("compress", probed.folder, "--data", tickets, "--out", out, "--threads", "1", "--quiet")
    assert_error(ended, "compressed-loses", code=4)
    assert "points of accuracy" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_attention_mask_is_not_written(
    probed: Model, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph whose texts see the padding behind them: exit 4, and nothing is left."""
    monkeypatch.setattr(graph, "_FAR_BELOW", 0.0)
    how = ["--out", tmp_path / "out.model", "--threads", "1", "--quiet", "--set", "technique.int8.runtime=onnxruntime"]
    ended = run("compress", probed.folder, "--data", tickets, *how)
    assert_error(ended, "runtime-differs", code=4)
    assert "times as far from our own engine" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_another_runtime_runs_it(probed: Model, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, which its description and its notes tell; texts of several windows among those compared.

    It multiplies whole numbers here, as our own engine does: which products are faster would be up to the clock, and
    those of float32 round no input, so that other answers than ours are no fault (``contracts/test_engines`` has both).
    Where its package is missing, the model is refused before a weight is read, and so is the name.
    """
    monkeypatch.setattr(engines.ENGINES.member("onnxruntime"), "PRODUCTS", ("int8",))
    out = tmp_path / "out.model"
    long = [" ".join(text for text, _ in rows()[at : at + 30]) for at in range(9)]
    data = tmp_path / "rows.csv"
    records = [*rows(), *((text, rows()[0][1]) for text in long)]
    data.write_text(csv_text(["text", "topic"], records), "utf-8")
    how = ["--threads", "1", "--max-loss", "9", "--set", "technique.int8.runtime=onnxruntime"]
    found = run("compress", probed.folder, "--data", data, "--out", out, *how, "--json").json()
    assert any(note.startswith("run by onnxruntime (") for note in found["notes"])
    told = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert told["runtime"]["name"] == "onnxruntime"
    assert problems("bundle-runtime.json", told) == []
    assert "run by     onnxruntime, products of " in run("info", out).out
    answered = run("predict", out, data, "--json").lines()
    assert max(line["n_windows"] for line in answered) > 1
    flat = tmp_path / "flat.model"
    ours = [*how[:-1], "technique.int8.runtime=flat"]
    assert run("compress", probed.folder, "--data", data, "--out", flat, *ours).code == 0
    expected = run("predict", flat, data, "--json").lines()
    same = [one["label"] == other["label"] for one, other in zip(answered, expected, strict=True)]
    assert sum(same) >= 0.98 * len(same), "the weights are the same"
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    monkeypatch.setattr(engines_of_runtime, "build_quantized", None)
    ended = run("predict", out, "--text", "my card is lost")
    assert_error(ended, "package-missing", "onnxruntime", code=2)
    assert "tunesmith[export]" in ended.err
    assert_error(run("compress", probed.folder, "--data", tickets, *how, "--quiet"), "package-missing", code=2)


def test_a_place_that_is_taken_stays_as_it_is(compressed: Model, probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Refused before anything is computed; ``--force`` replaces a compressed model and no other."""
    out = Path(copytree(compressed.folder, tmp_path / "out.model"))
    trained = Path(copytree(probed.folder, tmp_path / "trained.model"))

    def again(place: Path, *flags: str) -> Ended:
        return run("compress", probed.folder, "--data", tickets, "--out", place, "--threads", "1", *flags)

    assert_error(again(out), "out-exists", code=2)
    assert_error(again(trained, "--force"), "out-not-compressed", code=2)
    before = load_bundle(trained).manifest_sha256
    assert again(out, "--force").code == 0
    assert load_bundle(trained).manifest_sha256 == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.model", "trained.model"]


def test_too_few_rows_are_refused(probed: Model, tmp_path: Path) -> None:
    """Ten rows hold no model to another."""
    few = tmp_path / "few.csv"
    few.write_text(csv_text(["text", "topic"], rows()[:10]), "utf-8")
    assert_error(run("compress", probed.folder, "--data", few, "--out", tmp_path / "out.model"), "too-few-rows")


def test_an_unknown_technique_is_told(probed: Model, tickets: Path) -> None:
    """With those there are."""
    ended = run("compress", probed.folder, "--data", tickets, "--to", "int4")
    assert_error(ended, "unknown-technique", code=2)
    assert "int8" in ended.err


def test_token_vectors_answer_by_numpy(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Held to a head that has not seen the rows; every command takes the model, and a fresh process without torch."""
    out = tmp_path / "words.model"
    how = ["--to", "static", "--max-loss", "50", "--set", "technique.static.width=16", "--threads", "1"]
    ended = run("compress", probed.folder, "--data", tickets, "--out", out, *how, "--json")
    found = ended.json()
    assert problems("compress.json", found) == []
    assert found["notes"][-1].endswith("begin from a head that was solved anew without them")
    told = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert problems("bundle-static.json", told) == []
    assert "static, rung probe" in run("info", out).out
    assert run("evaluate", out, tickets, "--json").json()["metrics"]["accuracy"]["value"] > 0.6
    assert run("compare", probed.folder, out, tickets, "--json").code == 0
    assert_error(run("export", out, "--to", "onnx"), "kind-not-exportable", code=2)
    assert_error(run("compress", out, "--data", tickets), "kind-not-compressible", code=2)
    asks = (
        "import sys; from tunesmith.bundle.load import load_bundle; "
        "print(load_bundle(sys.argv[1]).predictor.outputs(['my card is lost']).logits.shape, 'torch' in sys.modules)"
    )
    answered = subprocess.run([sys.executable, "-c", asks, str(out)], capture_output=True, text=True, check=True)
    assert answered.stdout.strip() == f"(1, {len(told['labels'])}) False"


@pytest.mark.parametrize(
    ("asked", "code", "part"),
    [
        ("technique.static.widht=3", "bad-option", "technique.static.width"),
        ("technique.static.width=0", "bad-option", "technique.static.width = 0"),
        ("ladder.budget=soon", "bad-budget", "soon"),
    ],
)
def test_wrong_options_of_a_technique_are_told(probed: Model, tickets: Path, asked: str, code: str, part: str) -> None:
    """Before a row is read."""
    ended = run("compress", probed.folder, "--data", tickets, "--to", "static", "--set", asked)
    assert_error(ended, code, part, code=2)


def test_further_texts_are_read(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """And told; a file without any is refused."""
    more, out = tmp_path / "more.csv", tmp_path / "words.model"
    more.write_text(csv_text(["text"], [[f"{text} again"] for text, _ in rows()[:9]]), "utf-8")
    how = ["--to", "static", "--max-loss", "50", "--unlabelled", more, "--threads", "1", "--out", out]
    ended = run("compress", probed.folder, "--data", tickets, *how)
    assert ended.code == 0, ended.err
    assert "texts without labels come from more.csv (9 rows)" in ended.err
    more.write_text(csv_text(["text"], []), "utf-8")
    assert run("compress", probed.folder, "--data", tickets, *how, "--force").code == 2


def test_pairs_are_compressed(quick: list[str], tmp_path: Path) -> None:
    """Memory is measured of pairs too."""
    data, parent = tmp_path / "pairs.csv", tmp_path / "parent.model"
    records = [(text, f"{text} again", topic) for text, topic in rows()]
    data.write_text(csv_text(["text", "other", "topic"], records), "utf-8")
    trained = run("train", data, "--out", parent, *quick, "--rungs", "probe", "--pair", "other", "--quiet")
    assert trained.code == 0, trained.err
    found = run("compress", parent, "--data", data, "--max-loss", "20", "--json").json()
    assert problems("compress.json", found) == []
    assert found["before"]["memory_mib"] > 0
    assert found["after"]["memory_mib"] > 0


def test_a_description_without_what_was_lost_is_refused(compressed: Model, tmp_path: Path) -> None:
    """It could not be told."""
    folder = Path(copytree(compressed.folder, tmp_path / "out.model"))
    told = json.loads((folder / "tunesmith.json").read_text("utf-8"))
    told["compression"]["figures"]["loss"] = {"accuracy": {"value": "none"}}
    (folder / "tunesmith.json").write_text(json.dumps(told), "utf-8")
    assert_error(run("info", folder), "facts-damaged", "compression.figures.loss", code=3)
