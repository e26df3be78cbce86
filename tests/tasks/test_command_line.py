"""Files of every task through the command line: learnt, measured, answered, reported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run
from tests.cli.schemas import problems

SUBJECTS = {
    "late": "my parcel has still not come",
    "damaged": "the box was crushed and broken",
    "refund": "please give me my money back",
}


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """Write a file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)
    return path


def trained(data: Path, *more: str) -> Path:
    """Train word counts on a file, whose report and facts are as they should be."""
    out = data.parent / "m"
    done = run("train", str(data), "--rungs", "linear", "--budget", "none", "--out", str(out), "--json", *more)
    assert done.code == 0, done.err
    assert problems("train.json", done.json()) == []
    assert problems("bundle-bag_of_words.json", json.loads((out / "tunesmith.json").read_text("utf-8"))) == []
    assert problems("info.json", run("info", str(out), "--json").json()) == []
    measured = run("evaluate", str(out), str(data), "--json")
    assert problems("evaluate.json", measured.json()) == []
    for told in (
        run("evaluate", str(out), str(data)),
        run("info", str(out)),
        run("train", str(data), "--dry-run", *more),
    ):
        assert told.code == 0, told.err
    return out


def answers(out: Path, *texts: str, more: Sequence[str] = ()) -> list[dict[str, object]]:
    """Ask a model."""
    asked = run("predict", str(out), *(part for text in texts for part in ("--text", text)), *more, "--json")
    assert asked.code == 0, asked.err
    found = [json.loads(line) for line in asked.out.splitlines()]
    assert [problems("predict.json", answer) for answer in found] == [[]] * len(found)
    return found


def several_rows(n_rows: int = 300) -> list[tuple[str, tuple[str, ...]]]:
    """Messages about any of three subjects, or none."""
    random = np.random.default_rng(0)
    rows = []
    for row in range(n_rows):
        about = tuple(label for label in SUBJECTS if random.random() < 0.4)
        rows.append((f"{row} hello {' and '.join(SUBJECTS[label] for label in about)}", about))
    return rows


def test_several_labels_by_a_separator(tmp_path: Path) -> None:
    """Rows without any among them; answers come back as the file has them."""
    cells = [(text, "; ".join(about)) for text, about in several_rows()]
    data = write(tmp_path / "rows.csv", ["text", "labels"], cells)
    out = trained(data, "--task", "multi_label")
    measured = run("evaluate", str(out), str(data), "--json").json()["metrics"]
    assert measured["micro_f1"]["value"] > 0.95
    assert measured["per_class"].keys() == SUBJECTS.keys()
    both, none = answers(out, f"{SUBJECTS['late']} and {SUBJECTS['refund']}", "hello there", more=["--all"])
    assert {each["label"] for each in both["labels"]} == {"late", "refund"}  # type: ignore[attr-defined]
    assert none["labels"] == []
    assert set(both["probabilities"]) == SUBJECTS.keys()  # type: ignore[call-overload]
    answered = list(csv.DictReader(run("predict", str(out), str(data)).out.splitlines()))
    found = [set(filter(None, row["prediction"].split(";"))) for row in answered]
    assert np.mean([labels == set(about) for labels, (_, about) in zip(found, several_rows(), strict=True)]) > 0.9
    page = (out / "report.html").read_text("utf-8")
    assert "micro-F1" in page
    assert "Label by label" in page


def test_several_labels_as_lists_are_told_by_the_cells(tmp_path: Path) -> None:
    """JSON lines whose label is a list need no word about the task."""
    data = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "labels": about}) + "\n" for text, about in several_rows()]
    data.write_text("".join(lines), "utf-8")
    out = trained(data)
    assert json.loads((out / "tunesmith.json").read_text("utf-8"))["task"] == "multi_label"


def test_a_label_with_a_separator_in_it_comes_back_as_a_list(tmp_path: Path) -> None:
    """A table's cell would otherwise read as two labels."""
    rows = [(f"{row} apples and pears", '["Food; drink", "fresh"]' if row % 2 else '["tools"]') for row in range(60)]
    rows = [(text if row % 2 else f"{row} hammer", cell) for row, (text, cell) in enumerate(rows)]
    out = trained(write(tmp_path / "rows.csv", ["text", "label"], rows))
    (tmp_path / "ask.csv").write_text("text\napples and pears\n", "utf-8")
    (row,) = csv.DictReader(run("predict", str(out), str(tmp_path / "ask.csv")).out.splitlines())
    assert sorted(json.loads(row["prediction"])) == ["Food; drink", "fresh"]


@pytest.mark.parametrize(("need", "figure"), [("precision", "precision"), ("recall", "recall")])
def test_yes_or_no_with_what_is_needed(tmp_path: Path, need: str, figure: str) -> None:
    """The threshold moves to where the need is met; by itself it does not."""
    random = np.random.default_rng(1)
    rows = []
    for row in range(600):
        spam = random.random() < 0.3
        told = [random.random() < (0.85 if spam else 0.2) for _ in range(3)]
        words = [random.choice(["win", "cash", "prize"] if hit else ["meet", "lunch", "home"]) for hit in told]
        rows.append((f"{row} {' '.join(words)} {random.integers(9)}", "spam" if spam else "ham"))
    data = write(tmp_path / "rows.csv", ["text", "label"], rows)
    out = trained(data, "--positive", "spam", "--set", f"task.binary.{need}=0.9")
    facts = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert facts["labels"] == ["ham", "spam"]
    assert facts["metrics"][figure]["value"] >= (0.8 if need == "precision" else 0.85)
    assert facts["metrics"]["roc_auc"]["value"] > 0.6
    plain = tmp_path / "plain"
    assert (
        run("train", str(data), "--rungs", "linear", "--budget", "none", "--positive", "spam", "--out", str(plain)).code
        == 0
    )
    assert json.loads((plain / "tunesmith.json").read_text("utf-8"))["thresholds"] == [0.5]
    refused = run("train", str(data), "--positive", "spamm", "--out", str(tmp_path / "x"))
    assert refused.code == 2
    assert "--positive" in refused.err


def test_levels_keep_their_order(tmp_path: Path) -> None:
    """By their numbers, or as said; without either, the way to say it is told."""
    random = np.random.default_rng(2)
    stars = random.integers(5, size=400)
    texts = [f"{row} {' '.join(['good'] * star + ['bad'] * (4 - star))}" for row, star in enumerate(stars)]
    data = write(tmp_path / "rows.csv", ["text", "stars"], zip(texts, map(str, stars + 1), strict=True))
    out = trained(data, "--task", "ordinal")
    facts = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert facts["labels"] == ["1", "2", "3", "4", "5"]
    assert facts["metrics"]["spearman"]["value"] > 0.8
    high, low = answers(out, "good good good good", "bad bad bad bad")
    assert int(str(high["label"])) > int(str(low["label"]))
    names = ["awful", "poor", "fine", "nice", "great"]
    named = write(tmp_path / "named.csv", ["text", "stars"], zip(texts, (names[star] for star in stars), strict=True))
    refused = run("train", str(named), "--task", "ordinal", "--out", str(tmp_path / "x"))
    assert refused.code == 2
    assert "task.ordinal.order" in refused.err
    done = run(
        "train",
        str(named),
        "--rungs",
        "linear",
        "--set",
        f"task.ordinal.order={json.dumps(names)}",
        "--out",
        str(tmp_path / "x"),
    )
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "x" / "tunesmith.json").read_text("utf-8"))["labels"] == names


def test_pairs_by_word_counts(tmp_path: Path) -> None:
    """Two texts a row, found by their names; asked for with --text and --pair, in a file, and in Python."""
    random = np.random.default_rng(3)
    words = ["card", "pin", "loan", "rate", "fee", "bank"]
    rows = []
    for row in range(400):
        one = random.choice(words, 3, replace=False)
        same = random.random() < 0.5
        other = random.permutation(one) if same else random.choice([word for word in words if word not in one], 3)
        rows.append((f"{' '.join(one)} {row}", f"{' '.join(other)} {row}", "same" if same else "other"))
    data = write(tmp_path / "rows.csv", ["text_a", "text_b", "label"], rows)
    out = trained(data)
    assert json.loads((out / "tunesmith.json").read_text("utf-8"))["data"]["pair"] == "text_b"
    assert run("evaluate", str(out), str(data), "--json").json()["metrics"]["accuracy"]["value"] > 0.95
    seconds = ["--pair", "pin fee card", "--pair", "loan rate bank"]
    same, other = answers(out, "card pin fee", "card pin fee", more=seconds)
    assert (same["label"], other["label"]) == ("same", "other")
    answered = list(csv.DictReader(run("predict", str(out), str(data)).out.splitlines()))
    assert np.mean([row["prediction"] == row["label"] for row in answered]) > 0.95
    from tunesmith.api.model import load
    from tunesmith.errors import ConfigError

    model = load(out)
    assert [each.label for each in model.predict([("card pin", "pin card"), ("card", "loan")])] == ["same", "other"]
    with pytest.raises(ConfigError, match="pairs of texts"):
        model.predict(["card pin"])
    assert run("predict", str(out), "--text", "a").code == 2
    assert run("predict", str(out), "--text", "a", "--text", "b", "--pair", "c").code == 2
