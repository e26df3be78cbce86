"""``tunesmith export`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows
from transformers import pipeline

from tunesmith.bundle.load import load_bundle
from tunesmith.export import exporter


def test_export_says_what_it_found(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """In machine output, which is also what lies beside the export."""
    out = tmp_path / "tickets.onnx"
    found = run("export", probed.folder, "--to", "onnx", "--out", out, "--data", tickets, "--json").json()
    assert problems("export.json", found) == []
    assert found["out"] == str(out)
    assert found["texts"] == tickets.name
    kept = json.loads((out / "parity.json").read_text("utf-8"))
    assert {"out": str(out), **kept} == found


@pytest.mark.parametrize("to", ["onnx", "sentence-transformers", "transformers"])
def test_the_readme_tells_how_good_the_model_is(probed: Model, tickets: Path, tmp_path: Path, to: str) -> None:
    """By the figure that the model folder tells, with its interval, on which rows, and what those were used for."""
    done = run("export", probed.folder, "--to", to, "--out", tmp_path / "out", "--data", tickets, "--max-loss", "100")
    assert done.code == 0, done.err
    facts = load_bundle(probed.folder).facts
    figure = facts.metrics["accuracy"]
    assert facts.measured_on == "120 train and validation rows, each by a head that had not seen it"
    assert (
        f"The model before the export: accuracy {100 * figure['value']:.1f} % ({100 * figure['low']:.1f} to "
        f"{100 * figure['high']:.1f}, 95 %) on {facts.measured_on} (the 24 validation rows among them were used to "
        "choose).\nCompared with the model by "
    ) in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_export_goes_beside_the_model_and_is_told_in_words(probed: Model, tmp_path: Path) -> None:
    """Without a file, on the embedded sample."""
    model = probed.folder.rename(tmp_path / "tickets.model")
    try:
        ended = run("export", model, "--to", "openvino", "--threads", "1")
    finally:
        model.rename(probed.folder)
    assert ended.code == 0, ended.err
    assert (tmp_path / "tickets-openvino" / "model.xml").is_file()
    assert "largest difference" in ended.out
    assert "the same for 100.00 %" in ended.out
    assert "comparing" in ended.err


def test_an_unknown_format_is_told(probed: Model, tmp_path: Path) -> None:
    """With the nearest one; nothing is written."""
    ended = run("export", probed.folder, "--to", "onxx", "--out", tmp_path / "out")
    assert_error(ended, "unknown-target", "'onxx'", "'onnx'")
    assert list(tmp_path.iterdir()) == []


def test_counts_of_words_are_told_to_have_no_such_form(climbed: Model, tmp_path: Path) -> None:
    """And what to train instead."""
    ended = run("export", climbed.folder, "--to", "onnx", "--out", tmp_path / "out")
    assert_error(ended, "kind-not-exportable", "bag_of_words", "--rungs probe,finetune")


def test_what_is_there_stays(probed: Model, tmp_path: Path) -> None:
    """A folder that somebody made is not replaced."""
    (tmp_path / "mine").mkdir()
    assert_error(run("export", probed.folder, "--to", "onnx", "--out", tmp_path / "mine"), "out-exists", "mine")


def test_an_export_is_replaced_by_force(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Whole, once the new one is compared; one that fails leaves the old; what is no export stays."""
    asked = ["export", probed.folder, "--out", tmp_path / "out", "--data", tickets, "--threads", "1", "--quiet"]
    assert run(*asked, "--to", "sentence-transformers").code == 0
    kept = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert_error(run(*asked, "--to", "transformers"), "out-exists", "an export", "--force")
    assert_error(run(*asked, "--to", "transformers", "--force", "--label", "nothing"), "no-such-column", "nothing")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == kept
    assert run(*asked, "--to", "transformers", "--force").code == 0
    assert "config.json" in [path.name for path in (tmp_path / "out").iterdir()]
    assert "modules.json" not in [path.name for path in (tmp_path / "out").iterdir()]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    asked[3] = tmp_path / "letters"
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear_anna.txt").touch()
    assert_error(run(*asked, "--to", "transformers", "--force"), "out-not-an-export", "dear_anna.txt", "letters")
    assert (tmp_path / "letters" / "dear_anna.txt").exists()


def test_what_comes_to_the_place_meanwhile_stays(
    probed: Model, tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison takes a while, in which somebody may use the name."""

    def synced(folder: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine").touch()

    monkeypatch.setattr(exporter, "_sync", synced)
    for flags in ([], ["--force"]):
        asked = ["--to", "transformers", "--out", tmp_path / "out", "--data", tickets, *flags]
        ended = run("export", probed.folder, *asked)
        assert ended.code == 2, ended.err
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "out"]
        (tmp_path / "out" / "mine").unlink()
        (tmp_path / "out").rmdir()


@pytest.mark.parametrize(
    ("record", "code", "told"),
    [
        (["where is my card?", "weather"], "unseen-label", "weather"),
        ([" ", "card"], "text-missing", "every text is empty"),
    ],
)
def test_rows_that_do_not_fit_are_told(record: list[str], code: str, told: str, probed: Model, tmp_path: Path) -> None:
    """Before anything is written."""
    path = tmp_path / "rows.csv"
    path.write_text(csv_text(["text", "topic"], [record]), "utf-8")
    ended = run("export", probed.folder, "--to", "onnx", "--out", tmp_path / "out", "--data", path)
    assert_error(ended, code, told)
    assert not (tmp_path / "out").exists()


def test_a_second_text_is_refused_by_a_model_of_single_texts(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """As predict does."""
    asked = ["--data", tickets, "--pair", "note"]
    ended = run("export", probed.folder, "--to", "onnx", "--out", tmp_path / "out", *asked)
    assert_error(ended, "texts-expected", "this model answers single texts", "--pair")
    assert list(tmp_path.iterdir()) == []


def test_rows_without_labels_will_do(probed: Model, tmp_path: Path) -> None:
    """And few of them: longer texts are made of them."""
    path = tmp_path / "rows.csv"
    path.write_text(csv_text(["message"], [[text] for text, _ in rows()[:3]]), "utf-8")
    found = run(
        "export",
        probed.folder,
        "--to",
        "onnx",
        "--out",
        tmp_path / "out",
        "--data",
        path,
        "--text",
        "message",
        "--json",
    ).json()
    assert found["whole"]["rows"] >= 500
    assert set(found["windows"]) >= {"1", "2", "3", "4"}


def test_a_stock_class_answers_in_a_pipeline(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Loaded as anybody would load it; what it loses is measured on rows of the user's."""
    out = tmp_path / "tickets-transformers"
    ended = run("export", probed.folder, "--to", "transformers", "--out", out, "--data", tickets, "--json")
    assert "knows by heart" in ended.err, "the file that it was trained on"
    found = ended.json()
    assert problems("export.json", found) == []
    assert found["notes"] == {
        "architecture": "BertForSequenceClassification",
        "added_layer": True,
        "exact": True,
        "taught_rows": 0,
    }
    assert found["loss"]["of"] == "accuracy"
    assert found["loss"]["points"] <= 0.5
    texts = [text for text, _ in rows()[:7]]
    told = pipeline("text-classification", model=str(out), device="cpu")(texts)
    answers = run("predict", probed.folder, *(word for text in texts for word in ("--text", text)), "--json").lines()
    assert [each["label"] for each in told] == [each["label"] for each in answers]
    assert [each["score"] for each in told] == pytest.approx([each["probability"] for each in answers], abs=1e-4)


def test_what_loses_too_much_is_refused(tickets: Path, quick: list[str], tmp_path: Path) -> None:
    """No stock class takes the largest value of each feature; the exact way out is named, and nothing is written."""
    model = tmp_path / "tickets.model"
    assert (
        run("train", tickets, "--out", model, *quick, "--rungs", "probe", "--set", "rung.probe.poolings=max").code == 0
    )
    ended = run("export", model, "--to", "transformers", "--out", tmp_path / "out", "--max-loss", "0", "--quiet")
    assert_error(ended, "export-loses", "--to onnx", "the embedded sample", code=4)
    assert not (tmp_path / "out").exists()


def test_vectors_go_to_sentence_transformers(probed: Model, tmp_path: Path) -> None:
    """By its usual name; longer texts are cut there, and told apart."""
    found = run("export", probed.folder, "--to", "sentence-transformers", "--out", tmp_path / "out", "--json").json()
    assert problems("export.json", found) == []
    assert found["whole"]["vectors"] <= 2e-5
    assert found["cut"]["rows"] > 0
    assert not (tmp_path / "out" / "head.safetensors").exists()
