"""The page of training choices says what was measured: all of it and nothing else, and where nothing was, that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs import training_choices as subject

every_language = pytest.mark.parametrize("language", ["en", "zh"])


def figures(difference: float, low: float, high: float) -> dict[str, Any]:
    """Of a data set or of the mean."""
    return {"difference": difference, "low": low, "high": high, "seconds": 1.5, "seeds": 2, "accuracy": 80.0}


def choice(name: str, mean: dict[str, Any] | None, **sets: dict[str, Any]) -> dict[str, Any]:
    """An entry of the comparison."""
    return {"name": name, "told": f"`{name} = 1`", "sets": sets, **({} if mean is None else {"mean": mean})}


def table(*choices: dict[str, Any]) -> dict[str, Any]:
    """A comparison."""
    machine = {"cpu": "A processor", "cores": 2}
    zero = figures(0.0, 0.0, 0.0)
    default = choice("default", zero, banking77=zero, sst2_glue=zero)
    return {
        "date": "2026-01-02",
        "machine": machine,
        "sets": ["banking77", "sst2_glue"],
        "choices": [default, *choices],
    }


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the page is made from."""
    monkeypatch.setattr(subject, "TABLE", tmp_path / "table.json")
    return tmp_path / "table.json"


@every_language
def test_without_results_the_page_says_so(language: str, written: Path) -> None:
    """And gives no advice."""
    assert not written.exists()
    assert "benchmarks.training_choices.run" in subject.training_choices_table(language)
    assert subject.training_advice(language) == ""


@every_language
def test_every_cell_is_shown_and_empty_where_it_is_missing(language: str, written: Path) -> None:
    """In bold where zero is excluded; a training that diverged is told."""
    good, open_ = figures(1.2, 0.4, 2.0), figures(-0.3, -1.0, 0.4)
    written.write_text(
        json.dumps(
            table(
                choice("ema_decay", figures(0.5, -0.1, 1.1), banking77=good, sst2_glue=open_),
                choice("r_drop", None, sst2_glue=open_),
                choice("sgd", None, banking77={"seeds": 1, "diverged": True}, sst2_glue=open_),
            )
        )
    )
    lines = subject.training_choices_table(language).splitlines()
    header, _, default, ema, r_drop, sgd, _, machine = lines
    assert [line.count("|") for line in (header, default, ema, r_drop, sgd)] == [6] * 5
    assert default.count("80.0 %") == 2
    assert "**+1.2<br>(+0.4 " in ema
    assert "**-0.3" not in ema
    assert "**+0.5" not in ema
    assert ema.endswith("| 1.50 |")
    assert r_drop.split("|")[2].strip() == ""
    assert r_drop.split("|")[4].strip() == ""
    assert {"en": "diverged", "zh": "发散"}[language] in sgd
    assert "1–2" in machine
    assert "2026-01-02" in machine


@every_language
def test_advice_is_what_the_means_exclude(language: str, written: Path) -> None:
    """A choice is named where its interval in the mean lies on one side of zero, and only there."""
    written.write_text(
        json.dumps(
            table(
                choice("better", figures(1.0, 0.1, 2.0)),
                choice("worse", figures(-1.0, -2.0, -0.1)),
                choice("open", figures(0.5, -0.1, 1.0)),
                choice("one_set", None, banking77=figures(3.0, 2.0, 4.0)),
            )
        )
    )
    better, worse, others = subject.training_advice(language).splitlines()
    assert "`better = 1`" in better
    assert "`worse = 1`" in worse
    for line in (better, worse, others):
        assert "open" not in line
        assert "one_set" not in line
    assert "default = 1" not in better + worse


@every_language
def test_advice_waits_for_all_data_sets(language: str, written: Path) -> None:
    """Of one data set nothing follows for others."""
    written.write_text(json.dumps(table(choice("one_set", None, banking77=figures(3.0, 2.0, 4.0)))))
    advice = subject.training_advice(language)
    assert "one_set" not in advice
    assert len(advice.splitlines()) == 1
