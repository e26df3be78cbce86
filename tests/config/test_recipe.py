"""The recipe: flag over --set over file over default, and every problem told at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tunesmith.config.recipe import load_recipe
from tunesmith.errors import ConfigError


def test_a_flag_wins_over_set_over_file_over_default(tmp_path: Path) -> None:
    """The four sources of a setting, in their order."""
    file = tmp_path / "run.toml"
    file.write_text('[ladder]\nbudget = "1m"\nmin_gain = 0.5\nmetric = "macro_f1"\n', encoding="utf-8")
    recipe = load_recipe(str(file), ["ladder.budget=2m", "ladder.min_gain=0.4"], {"ladder.budget": "3m"})
    assert (recipe.ladder.budget, recipe.ladder.min_gain, recipe.ladder.metric) == ("3m", 0.4, "macro_f1")
    assert recipe.run.seed == 0


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    """None means: not given."""
    assert load_recipe(None, [], {"ladder.budget": None}) == load_recipe(None, [], {})


def test_an_unknown_key_names_the_nearest() -> None:
    """A misspelt key is told with the one that was most likely meant."""
    with pytest.raises(ConfigError, match=r"ladder\.budgte is not a known key; nearest: ladder\.budget"):
        load_recipe(None, ["ladder.budgte=5m"], {})


def test_all_problems_are_told_at_once() -> None:
    """Nobody has to fix one setting to learn of the next."""
    with pytest.raises(ConfigError, match="3 settings are wrong") as caught:
        load_recipe(None, ["run.seed=-1", "data.test_share=0.9", "lader.budget=5m"], {})
    found = caught.value.found or ""
    assert "run.seed" in found
    assert "data.test_share" in found
    assert "nearest: ladder" in found


def test_a_value_out_of_range_says_the_range() -> None:
    """The bound is part of the message."""
    with pytest.raises(ConfigError, match=r"less than or equal to 0\.5"):
        load_recipe(None, ["data.test_share=0.9"], {})


def test_a_recipe_that_is_not_there_or_damaged(tmp_path: Path) -> None:
    """The file is named in both."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot read"):
        load_recipe(str(tmp_path / "nowhere.toml"), [], {})
    damaged = tmp_path / "damaged.toml"
    damaged.write_text("[ladder\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"damaged\.toml: the recipe is not valid TOML"):
        load_recipe(str(damaged), [], {})


@pytest.mark.parametrize("item", ["ladder.budget", "=5m"])
def test_a_set_without_key_or_value(item: str) -> None:
    """--set needs both sides."""
    with pytest.raises(ConfigError, match="not of the form"):
        load_recipe(None, [item], {})


def test_options_of_a_rung_are_kept_for_the_ladder() -> None:
    """The skeleton does not know rungs; it only carries their options."""
    recipe = load_recipe(None, ["rung.finetune.learning_rate=1e-4"], {})
    assert recipe.rung == {"finetune": {"learning_rate": 1e-4}}


def test_options_of_rungs_are_told_with_what_else_is_wrong() -> None:
    """Where somebody who knows the rungs is asked; and only where there is something wrong already."""

    def problems(values: Mapping[str, Any]) -> list[str]:
        asked.append(values["rung"])
        return ["rung.probe is not to my taste"]

    asked: list[Mapping[str, Any]] = []
    sets = ["run.seed=-1", "rung.probe.n_folds=1"]
    with pytest.raises(ConfigError, match="2 settings are wrong") as caught:
        load_recipe(None, sets, {}, member_problems=problems)
    assert "run.seed = -1" in (caught.value.found or "")
    assert "rung.probe is not to my taste" in (caught.value.found or "")
    assert asked == [{"probe": {"n_folds": 1}}]
    assert load_recipe(None, sets[1:], {}, member_problems=problems).rung == {"probe": {"n_folds": 1}}
    assert len(asked) == 1
