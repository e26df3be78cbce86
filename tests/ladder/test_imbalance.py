"""Rare labels: told, counted more where asked for or very uneven, and never dead without a warning."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.running import run
from tests.ladder.tiny_base import _WORDS
from tests.ladder.tiny_climb import Home

from tunesmith.config.recipe import Recipe, load_recipe
from tunesmith.data.balance import balanced_weights, repeats
from tunesmith.data.read import read_table
from tunesmith.ladder import fitting
from tunesmith.ladder.settle import settle
from tunesmith.train.losses import LOSSES

COMMON, RARE = 285, 15


def write(path: Path, *, common: int = COMMON, rare: int = RARE) -> Path:
    """Mostly one label; the rare one's words come up among the common one's too, so that guessing is tempting."""
    random = np.random.default_rng(0)
    labels = ["common"] * common + ["rare"] * rare
    random.shuffle(labels)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for label in labels:
            words = random.integers(9, size=int(random.integers(4, 9)))
            hint = 9 + int(random.integers(3)) if label == "rare" or random.random() < 0.06 else 0
            rows.writerow([" ".join(_WORDS[word] for word in [hint, *words]), label])
    return path


def settled(path: Path, *sets: str) -> tuple[Recipe, tuple[str, ...]]:
    """What the rows settle, but for the rungs."""
    return settle(load_recipe(None, ["ladder.rungs=['probe']", *sets], {}), read_table(path))


def test_very_uneven_labels_are_weighed_and_it_is_said(tmp_path: Path) -> None:
    """With the figure that chooses; below ten to one nothing happens, and what is asked for is done."""
    recipe, notes = settled(write(tmp_path / "rows.csv"))
    assert (recipe.data.imbalance, recipe.ladder.metric) == ("weights", "macro_f1")
    assert "19 times" in notes[0]
    assert "--imbalance none" in notes[0]
    recipe, notes = settled(tmp_path / "rows.csv", "data.imbalance=none")
    assert (recipe.data.imbalance, recipe.ladder.metric, notes) == ("none", None, ())
    recipe, _ = settled(tmp_path / "rows.csv", "ladder.metric=accuracy")
    assert (recipe.data.imbalance, recipe.ladder.metric) == ("weights", "accuracy")
    recipe, notes = settled(write(tmp_path / "even.csv", common=90, rare=15))
    assert (recipe.data.imbalance, recipe.ladder.metric, notes) == ("none", None, ())
    recipe, notes = settled(tmp_path / "even.csv", "data.imbalance=resample")
    assert recipe.data.imbalance == "resample"
    assert "as asked" in notes[0]


def test_weights_make_every_kind_count_alike() -> None:
    """And repeats bring rare kinds near the common one, but for the rarest, which would be learnt by heart."""
    strata = np.repeat([0, 1, 2], [60, 30, 1])
    weights = balanced_weights(strata)
    assert weights.mean() == pytest.approx(1.0)
    assert [weights[strata == kind].sum() for kind in range(3)] == pytest.approx([91 / 3] * 3)
    assert [int(repeats(strata)[strata == kind][0]) for kind in range(3)] == [1, 2, 10]


def test_numbers_have_no_rare_labels(tmp_path: Path) -> None:
    """Asked for, it is said that nothing is done."""
    lines = (f"text {number},{number / 7:.2f}" for number in range(60))
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines]) + "\n", "utf-8")
    recipe, notes = settled(tmp_path / "rows.csv", "data.imbalance=weights", "run.task=score")
    assert recipe.data.imbalance == "none"
    assert "imbalance: none, not weights: there are no labels, but numbers" in notes


@pytest.mark.parametrize("rung", ["linear", "probe"])
@pytest.mark.parametrize("imbalance", ["weights", "resample"])
def test_rare_labels_are_answered_more_often(home: Home, rung: str, imbalance: str) -> None:
    """Whichever way they are made to count."""
    write(home.folder / "rows.csv", common=260, rare=40)
    answered = {}
    for how in ("none", imbalance):
        _, outcome = home.climbed(how, ladder__rungs=(rung,), data__imbalance=how)
        answered[how] = outcome.validation[rung]["per_class"]["rare"]["answered"]
    assert answered[imbalance] > answered["none"]


def test_a_fit_takes_the_weights_and_the_draws(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights go into the loss, repeats into the rows that an epoch draws from, focal into the choice of the loss."""
    write(home.folder / "rows.csv")
    seen: dict[str, tuple[int, torch.Tensor | None, str]] = {}
    kept = []

    def supervised(
        _: object, loss: object, targets: torch.Tensor, *, weights: torch.Tensor | None, **others: object
    ) -> object:
        kept.append((len(targets), weights, getattr(loss, "__module__", "")))
        raise StopIteration

    monkeypatch.setattr(fitting, "Supervised", supervised)
    for imbalance in ("none", "weights", "resample", "focal"):
        with home.site(imbalance, data__imbalance=imbalance) as (site, rungs):
            site.landings["probe"] = rungs[0].climb(site)
            with pytest.raises(StopIteration):
                rungs[1].climb(site)
        seen[imbalance] = kept[-1]
    n_rows = seen["none"][0]
    assert seen["none"][1] is None
    weights = seen["weights"][1]
    assert weights is not None
    assert weights.max() > 5 * weights.min()
    assert seen["resample"][0] > 1.3 * n_rows
    assert seen["focal"][2].endswith("losses.focal")


def test_a_dead_label_is_told(tmp_path: Path) -> None:
    """In the run, in the report and by ``evaluate``."""
    random = np.random.default_rng(1)
    data = tmp_path / "rows.csv"
    with data.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for row in range(400):
            rows.writerow([f"{row} {' '.join(random.choice(_WORDS, 4))}", "dead" if row % 13 == 0 else "common"])
    out = tmp_path / "m"
    done = run("train", str(data), "--rungs", "linear", "--budget", "none", "--imbalance", "none", "--out", str(out))
    assert done.code == 0, done.err
    assert 'no row of "dead" is answered right' in done.err
    assert "--imbalance weights" in done.err
    assert "No row of" in (out / "report.html").read_text("utf-8")
    half = tmp_path / "unseen.csv"
    labels = ["dead" if row < 6 else "common" for row in range(40)]
    half.write_text(
        "text,label\n" + "".join(f"{' '.join(random.choice(_WORDS, 4))},{each}\n" for each in labels), "utf-8"
    )
    assert "no row is answered right of: dead" in run("evaluate", str(out), str(half)).out
    facts = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert facts["recipe"]["data"]["imbalance"] == "none"


@pytest.mark.parametrize(("focal", "plain"), [("focal", "cross_entropy"), ("binary_focal", "binary_cross_entropy")])
def test_focal_losses_count_what_is_right_less(focal: str, plain: str) -> None:
    """With no exponent they are plain; with one, a sure row counts for little and a wrong one for nearly all."""
    targets = torch.tensor([0, 0]) if focal == "focal" else torch.tensor([[1, 0], [1, 0]])
    logits = torch.tensor([[4.0, -4.0], [-4.0, 4.0]])
    losses = LOSSES.member(plain).build(LOSSES.options(plain))(logits, targets)
    without = LOSSES.member(focal).build(LOSSES.options(focal, {"gamma": 0.0}))(logits, targets)
    torch.testing.assert_close(without, losses)
    share = LOSSES.member(focal).build(LOSSES.options(focal))(logits, targets) / losses
    assert share[0] < 1e-3
    assert share[1] > 0.95
