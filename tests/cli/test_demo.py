"""``demo``: the main job on the sample that comes along, as a newcomer runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import run
from tests.cli.schemas import problems

import tunesmith
from tunesmith.data.read import read_table
from tunesmith.sample import sample_file

QUICK = ["--set", "ladder.rungs=['linear']", "--budget", "none", "--threads", "1"]
"""One rung in place of four, and no budget: it would count from the start of the tests."""


def test_json_is_what_the_schema_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of JSON on stdout, and a model of all rows and labels of the sample at the usual place."""
    monkeypatch.chdir(tmp_path)
    ended = run("demo", *QUICK, "--json")
    found = ended.json()
    assert ended.out.count("\n") == 1
    assert problems("train.json", found) == []
    assert found["bundle"] == "demo.model"
    assert [(rung["name"], rung["kept"]) for rung in found["rungs"]] == [("linear", True)]
    sample = read_table(sample_file())
    facts = tunesmith.load("demo.model").bundle.facts
    assert (facts.data.source, facts.data.rows) == (sample_file().name, sample.n_rows)
    assert facts.labels == tuple(sorted(set(sample.columns["label"])))
    accuracy = found["rungs"][0]["validation"]["accuracy"]
    assert 0.5 < accuracy["low"] < accuracy["value"] < accuracy["high"] < 1.0
    assert run("evaluate", "demo.model", sample_file(), "--json").json()["rows"] == sample.n_rows
