"""Resolving a recipe: names looked up and options checked before any data is read."""

from __future__ import annotations

import pytest

from tunesmith.config.recipe import load_recipe
from tunesmith.errors import ConfigError
from tunesmith.ladder.resolve import resolve


def resolved(*sets: str) -> object:
    return resolve(load_recipe(None, list(sets), {}))


def test_rungs_come_in_the_order_of_the_ladder_with_what_they_start_from() -> None:
    """Asked for finetune alone, the probe is climbed first, and that is said."""
    found = resolve(load_recipe(None, ["ladder.rungs=['refine','linear']"], {}))
    assert [rung.name for rung in found.rungs] == ["linear", "probe", "finetune", "refine"]
    assert any("finetune starts from probe" in note for note in found.notes)


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("ladder.rungs=['prob']", "did you mean 'probe'"),
        ("ladder.metric=acuracy", "did you mean 'accuracy'"),
        ("rung.finetune.learning_rat=0.1", r"nearest: rung\.finetune\.learning_rate"),
        ("rung.finetune.learning_rate=-1.0", "greater than 0"),
        ("rung.finetune.optimiser=adamm", "did you mean 'adam"),
        ("rung.finetune.loss_options.gama=1.0", "gama is not a known key"),
        ("rung.fintune.epochs=1.0", "did you mean 'finetune'"),
        ("run.task=single", "did you mean 'single_label'"),
    ],
)
def test_a_wrong_name_or_value_is_told_with_what_is_allowed(item: str, told: str) -> None:
    """Each wrong setting names its key and the nearest right one."""
    with pytest.raises(ConfigError, match=told):
        resolved(item)


def test_problems_of_several_rungs_are_told_together() -> None:
    """One error lists them all."""
    with pytest.raises(ConfigError, match="3 settings are wrong"):
        resolved("rung.finetune.epochs=-1.0", "rung.probe.n_folds=1", "ladder.metric=f2")


@pytest.mark.parametrize("budget", ["-3", "0", "soon"])
def test_a_budget_that_is_none(budget: str) -> None:
    """A negative budget, zero or nonsense is refused by its value."""
    with pytest.raises(ConfigError, match=budget):
        resolved(f"ladder.budget='{budget}'")
