"""The picture: of the climb that just ended, of model folders alone, and of models on the same rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import pytest
from PIL import Image
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems

import tunesmith
from tunesmith.files.manifest import write_manifest

_QUICK = ("--rungs", "linear", "--budget", "none", "--threads", "1")


def _said(svg: Path) -> str:
    root = ElementTree.fromstring(svg.read_text("utf-8"))
    return " ".join(each.text or "" for each in root.iter() if each.tag.endswith(("text", "title", "desc")))


def test_train_draws_what_it_climbed(tickets: Path, tmp_path: Path) -> None:
    """What the picture says is said on the terminal too; the answer stays the answer."""
    picture = tmp_path / "climb.svg"
    done = run("train", tickets, "--out", tmp_path / "a.model", *_QUICK, "--plot", picture, "--json")
    assert problems("train.json", done.json()) == []
    assert "Counting words reaches " in _said(picture)
    assert f": {picture}" in done.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--plot", "a.jpeg"], ["--plot: ", "found '.jpeg'", "allowed .svg, .png"]),
        (["--plot", "a.svg", "--cost", "money"], ["--cost: ", "found 'money'", "seconds, flops, energy"]),
        (["--plot", "a.svg", "--language", "fr"], ["--language: ", "found 'fr'", "en, zh"]),
        (["--plot", "not/there/a.svg"], ["not/there/a.svg: ", "no folder not/there"]),
        (["--cost", "flops"], ["--cost: ", "none is asked for", "--plot picture.svg"]),
        (["--cost", "flops", "--language", "zh"], ["--cost, --language: "]),
    ],
)
def test_a_wrong_plot_is_told_before_training(
    tickets: Path, tmp_path: Path, flags: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after an hour of it: nothing was written."""
    monkeypatch.chdir(tmp_path)
    assert_error(run("train", tickets, "--out", "a.model", *_QUICK, *flags), "bad-plot", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no folder here in which nobody may write")
def test_a_place_where_nothing_can_be_written_is_told_before_training(probed: Model, tickets: Path) -> None:
    """A plot's, and that of proposed rows."""
    ended = run("train", tickets, "--out", "a.model", *_QUICK, "--plot", "/proc/a.svg")
    assert_error(ended, "write-failed", "/proc/a.svg", code=4)
    assert not Path("a.model").exists()
    ended = run("next", probed.folder, "--unlabelled", tickets, "--out", "/proc/a.csv")
    assert_error(ended, "write-failed", "/proc/a.csv", code=4)


def test_what_is_told_of_rows_is_refused_where_models_alone_are_drawn(climbed: Model, tmp_path: Path) -> None:
    """Each such flag by its name."""
    ended = run("compare", climbed.folder, "--plot", tmp_path / "a.svg", "--by", "topic", "--reference", "b.model")
    assert_error(ended, "no-data", "--reference, --by: ", "none are given")


def test_a_dry_run_says_that_it_draws_nothing(tickets: Path, tmp_path: Path) -> None:
    """Rather than to leave the reader looking for the file."""
    ended = run("train", tickets, "--out", tmp_path / "a.model", *_QUICK, "--dry-run", "--plot", tmp_path / "a.svg")
    assert ended.code == 0
    assert "a.svg is not drawn" in ended.err
    assert not (tmp_path / "a.svg").exists()


def test_a_folder_of_that_name_is_no_place_for_a_plot(probed: Model, tmp_path: Path) -> None:
    """It is told as what it is."""
    (tmp_path / "a.svg").mkdir()
    assert_error(run("compare", probed.folder, "--plot", tmp_path / "a.svg"), "bad-plot", "a folder of this name")


def test_one_model_is_drawn_from_its_folder(climbed: Model, tmp_path: Path) -> None:
    """Three steps with what they cost, two of which start from another, and what was found."""
    drawn = run("compare", climbed.folder, "--plot", tmp_path / "a.svg", "--json").json()
    assert problems("plot.json", drawn) == []
    assert [point["name"] for point in drawn["points"]] == ["linear", "probe", "finetune"]
    costs = json.loads((climbed.folder / "costs.json").read_text("utf-8"))
    linear, probe, finetune = (rung["seconds"] for rung in costs["rungs"])
    assert [point["cost"] for point in drawn["points"]] == pytest.approx([linear, probe, probe + finetune])
    assert [point["kept"] for point in drawn["points"]] == [True, False, False]
    assert {(each["rung"], each["over"]) for each in costs["comparisons"]} == {
        ("probe", "linear"),
        ("finetune", "linear"),
    }
    printed = run("compare", climbed.folder, "--plot", tmp_path / "a.svg").out
    assert printed.splitlines() == [
        drawn["headline"],
        drawn["deck"].replace("\xa0", " "),
        f"plot: {tmp_path / 'a.svg'}",
    ]


@pytest.mark.parametrize("cost", ["flops", "energy"])
def test_other_costs_and_chinese(climbed: Model, tmp_path: Path, cost: str) -> None:
    """The axis, its unit and its assumptions; all words in the language."""
    drawn = run("compare", climbed.folder, "--plot", tmp_path / "a.svg", "--cost", cost, "--json").json()
    assert (drawn["points"][0]["cost"] is None) == (cost == "flops")
    said = _said(tmp_path / "a.svg")
    assert ("Energy is estimated" in said) == (cost == "energy")
    chinese = tmp_path / "zh.svg"
    assert run("compare", climbed.folder, "--plot", chinese, "--cost", cost, "--language", "zh").code == 0
    assert "准确率" in _said(chinese)
    assert ("能量为估计值" in _said(chinese)) == (cost == "energy")


def test_several_models_are_drawn_together(climbed: Model, probed: Model, tmp_path: Path) -> None:
    """Folders of one name in different places are told apart by their paths; nothing is said to be proven."""
    drawn = run("compare", climbed.folder, probed.folder, "--plot", tmp_path / "a.png", "--json").json()
    assert problems("plot.json", drawn) == []
    assert [point["model"] for point in drawn["points"]] == [str(climbed.folder)] * 3 + [str(probed.folder)]
    assert "own run" in drawn["deck"]
    image = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
    assert image.size[0] == 1440


def test_models_on_the_same_rows(climbed: Model, probed: Model, tickets: Path, tmp_path: Path) -> None:
    """The answer is that without a plot; each model stands at its figure on these rows and at its kept rung's cost."""
    picture = tmp_path / "a.svg"
    renamed = Path(copytree(climbed.folder, tmp_path / "words.model"))
    ended = run("compare", probed.folder, renamed, tickets, "--plot", picture, "--json")
    plain = run("compare", probed.folder, renamed, tickets, "--json").json()
    assert ended.json() == plain
    accuracy = plain["models"][0]["figures"]["accuracy"]
    costs = json.loads((renamed / "costs.json").read_text("utf-8"))
    seconds = costs["rungs"][0]["seconds"]
    told = f"words.model: {100 * accuracy['value']:.1f}\xa0% (95\xa0% interval"
    assert told in _said(picture)
    assert f"at a cost of {seconds:.1f}\xa0s" in _said(picture)
    assert f"same {plain['rows']} rows" in _said(picture)
    assert "95\xa0% interval" in _said(picture)


def test_figures_of_one_axis_are_of_one_kind(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Accuracy and macro-F1 do not go on one axis."""
    other = tmp_path / "f1.model"
    assert run("train", tickets, "--out", other, *_QUICK, "--metric", "macro_f1").code == 0
    ended = run("compare", probed.folder, other, "--plot", tmp_path / "a.svg")
    assert_error(ended, "models-differ", "different figures", "accuracy", "macro_f1")


def test_the_same_model_twice(probed: Model, tmp_path: Path) -> None:
    """Is one too many."""
    assert_error(run("compare", probed.folder, probed.folder, "--plot", tmp_path / "a.svg"), "same-model")


def test_python_draws_models_and_folders(climbed: Model, tmp_path: Path) -> None:
    """As the command does."""
    by_command = run("compare", climbed.folder, "--plot", tmp_path / "a.svg", "--json").json()
    of_model = tunesmith.plot(tunesmith.load(climbed.folder), tmp_path / "a.svg")
    assert of_model == tunesmith.plot([climbed.folder], str(tmp_path / "a.svg")) == by_command
    with pytest.raises(tunesmith.errors.ConfigError, match="no model is given"):
        tunesmith.plot([], tmp_path / "a.svg")


def test_an_earlier_bundle_is_drawn_without_proof(climbed: Model, tmp_path: Path) -> None:
    """Its costs hold no comparisons; and damaged costs are told."""
    earlier = Path(copytree(climbed.folder, tmp_path / "earlier.model"))
    costs = json.loads((earlier / "costs.json").read_text("utf-8"))
    record = ("README.md", "costs.json", "report.html")
    kept = {name: value for name, value in costs.items() if name not in ("comparisons", "starts_from")}
    (earlier / "costs.json").write_text(json.dumps(kept), "utf-8")
    write_manifest(earlier, record=record)
    drawn = tunesmith.plot(earlier, tmp_path / "a.svg")
    assert "nothing is said to be proven" in drawn["deck"]
    for spoilt in ({}, {"rungs": [{"name": "linear"}]}):
        (earlier / "costs.json").write_text(json.dumps(spoilt), "utf-8")
        write_manifest(earlier, record=record)
        assert_error(
            run("compare", earlier, "--plot", tmp_path / "a.svg"), "costs-damaged", "earlier.model/costs.json", code=3
        )


def test_the_report_says_what_the_picture_says(climbed: Model, tmp_path: Path) -> None:
    """One finding, in both."""
    drawn = tunesmith.plot(climbed.folder, tmp_path / "a.svg")
    page = (climbed.folder / "report.html").read_text("utf-8")
    assert f"<h2>{drawn['headline']}</h2>" in page
    assert f"<p>{drawn['deck']}</p>" in page
