"""Where memory does not suffice for training every layer, the method that needs less is taken, and it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.ladder.tiny_base import tiny_base, tiny_file

from tunesmith.config.recipe import Recipe, load_recipe
from tunesmith.data.read import read_table
from tunesmith.ladder import settle as subject
from tunesmith.ladder.fit_memory import full_climb_mib, full_fit_mib
from tunesmith.ladder.resolve import resolve
from tunesmith.models.base import find_base
from tunesmith.models.encoder_config import read_encoder_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a base and a file."""
    tiny_base(tmp_path / "base")
    tiny_file(tmp_path / "rows.csv")
    return tmp_path


def settled(folder: Path, monkeypatch: pytest.MonkeyPatch, *, mib: float, **settings: Any) -> tuple[Recipe, list[str]]:
    """What is settled on a machine of so much memory."""
    monkeypatch.setattr(subject, "machine_mib", lambda: mib)
    values = {key.replace("__", "."): value for key, value in settings.items()}
    recipe = load_recipe(None, [], {"base.name": str(folder / "base"), "run.offline": True, **values})
    recipe, notes = subject.settle(recipe, read_table(folder / "rows.csv"))
    return recipe, [note for note in notes if note.startswith("method")]


def test_both_fits_take_the_method_that_fits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just below what is needed LoRA, with rates of its own, in the second fit too; from there on every layer."""
    needed = full_climb_mib(find_base(str(folder / "base"), offline=True)) / 0.7
    rungs = {"ladder__rungs": ("finetune", "refine")}
    recipe, notes = settled(folder, monkeypatch, mib=needed - 1, **rungs)
    options = resolve(recipe).recipe.rung
    assert [options[name]["method"] for name in ("finetune", "refine")] == ["lora", "lora"]
    assert len({options[name]["learning_rate"] for name in ("finetune", "refine")}) == 1
    assert len(notes) == 1
    assert "--method full" in notes[0]
    assert f"{(needed - 1) / 1024:.1f} GiB" in notes[0]
    recipe, notes = settled(folder, monkeypatch, mib=needed + 1, **rungs)
    assert resolve(recipe).recipe.rung["finetune"]["method"] == "full"
    assert notes == []


@pytest.mark.parametrize(
    "asked",
    [
        {"rung__finetune__method": "full"},
        {"rung__refine__method": "full"},
        {"rung__finetune__method_options": {"embeddings": "trained"}},
    ],
)
def test_what_is_asked_for_stays(folder: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]) -> None:
    """Whatever the machine has, and for whichever of the two fits it is."""
    recipe, notes = settled(folder, monkeypatch, mib=10, ladder__rungs=("finetune", "refine"), **asked)
    options = resolve(recipe).recipe.rung
    assert [options[name]["method"] for name in ("finetune", "refine")] == ["full", "full"]
    assert notes == []


def test_other_options_go_along(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They choose no method."""
    recipe, notes = settled(folder, monkeypatch, mib=10, ladder__rungs=("finetune",), rung__finetune__epochs=2)
    assert recipe.rung["finetune"] == {"epochs": 2, "method": "lora"}
    assert notes


def test_without_training_no_base_is_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word counts and networks of one's own need none."""
    recipe, notes = settled(
        folder, monkeypatch, mib=10, **{"ladder__rungs": ("linear", "cnn"), "base__name": "no-such-base"}
    )
    assert "method" not in recipe.rung.get("finetune", {})
    assert notes == []


def test_what_is_foreseen_is_near_what_was_measured(folder: Path) -> None:
    """Above it rather than below; see ``full_fit_mib``."""
    config = read_encoder_config(folder / "base")
    for layers, width, measured_mib in ((6, 384, 602), (12, 768, 2007)):
        shape = {"num_hidden_layers": layers, "hidden_size": width, "intermediate_size": 4 * width}
        assert 0.95 < full_fit_mib(config.model_copy(update=shape)) / measured_mib < 1.25


@pytest.mark.parametrize(("mib", "asked", "climbs"), [(10, False, False), (1e6, False, True), (10, True, True)])
def test_pairs_are_for_machines_that_can_train_every_layer(
    mib: float, asked: bool, climbs: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They train no fewer weights; asked for by name, they are climbed all the same."""
    rows = (f"text {number},{'ab'[number % 2]}" for number in range(40))
    (folder / "rows.csv").write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    monkeypatch.setattr(subject, "machine_mib", lambda: mib)
    values = {"ladder.rungs": ("linear", "probe", "contrast")} if asked else {}
    recipe = load_recipe(None, [], {"base.name": str(folder / "base"), "run.offline": True, **values})
    recipe, notes = subject.settle(recipe, read_table(folder / "rows.csv"))
    assert ("contrast" in recipe.ladder.rungs) == climbs
    told = [note for note in notes if note.startswith("contrast is not climbed")]
    assert len(told) == (0 if climbs else 1)
    assert all("--rungs linear,probe,contrast climbs it" in note for note in told)
