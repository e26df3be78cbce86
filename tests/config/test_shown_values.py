"""A value that is wrong is shown, and however long it is the message stays readable."""

from __future__ import annotations

import re

import pytest

from tunesmith.config import Family
from tunesmith.config.recipe import load_recipe
from tunesmith.errors import ConfigError, shown_value
from tunesmith.ladder.resolve import member_problems, resolve
from tunesmith.train.losses import LOSSES
from tunesmith.train.schedules import SCHEDULES

LONG = "x" * 500
WIDEST = 80


def longest_run(error: ConfigError) -> int:
    """How much of the long value is shown in one place, of what the user sees of the error."""
    parts = [part for part in (error.message, error.where, error.found, error.allowed, error.advice) if part]
    return max(len(run) for part in parts for run in re.findall("x+", part))


@pytest.mark.parametrize(
    "key",
    [
        "run.seed",
        "run.threads",
        "run.task",
        "data.test_share",
        "ladder.metric",
        "ladder.budget",
        "ladder.min_gain",
        "rung.finetune.epochs",
        "rung.finetune.method",
        "rung.finetune.loss",
        "rung.finetune.loss_options",
        "rung.probe.poolings",
        "rung.linear",
    ],
)
def test_a_long_value_of_a_setting_is_cut(key: str) -> None:
    """Of common sections and of rungs: the key, the beginning of the value, and what it should be."""
    with pytest.raises(ConfigError, match=key.rpartition(".")[2]) as caught:
        resolve(load_recipe(None, [f"{key}={LONG}"], {}, member_problems=member_problems))
    assert 20 < longest_run(caught.value) < WIDEST
    assert len(caught.value.found or "") < WIDEST + 200


@pytest.mark.parametrize("key", ["ladder.rungs", "rung.probe.poolings"])
def test_a_long_name_in_a_list_is_cut(key: str) -> None:
    """As a long value is."""
    with pytest.raises(ConfigError, match=key) as caught:
        resolve(load_recipe(None, [f"{key}=['{LONG}']"], {}))
    assert 20 < longest_run(caught.value) < WIDEST


def test_a_long_set_without_a_value_is_cut() -> None:
    """Somebody's whole file may have come in its place."""
    with pytest.raises(ConfigError, match="not of the form") as caught:
        load_recipe(None, [LONG], {})
    assert 20 < longest_run(caught.value) <= WIDEST


@pytest.mark.parametrize("family", [LOSSES, SCHEDULES])
def test_a_long_name_of_a_member_is_cut(family: Family) -> None:
    """Whoever asks for it: a bundle or a recipe may have been written by anybody."""
    with pytest.raises(ConfigError, match=f"there is no {family.kind} 'xxx") as caught:
        family.member(LONG)
    assert 20 < longest_run(caught.value) < WIDEST


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (LONG, "'" + "x" * 78 + "…"),
        ("x" * 78, "'" + "x" * 78 + "'"),
        ("two\nlines\x1b[31m", r"'two\nlines\x1b[31m'"),
        ([1] * 100, "[" + "1, " * 26 + "…"),
        (-3.5, "-3.5"),
    ],
)
def test_a_value_is_shown_on_one_line_of_at_most_80_characters(value: object, shown: str) -> None:
    """As Python writes it, so that a text is told from a number."""
    assert shown_value(value) == shown
    assert len(shown_value(value)) <= WIDEST
