"""Advice on methods follows from the table, and changes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.docs.test_methods_table import entry, figures

from docs import methods_advice as subject
from docs import methods_table

every_language = pytest.mark.parametrize("language", ["en", "zh"])
FULL = entry("full", 1000, one=figures(0, 0, 0), two=figures(0, 0, 0))


def advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *others: dict[str, Any], language: str = "en") -> list[str]:
    """What follows from a comparison of these methods with full training."""
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"methods": [FULL, *others]}), "utf-8")
    monkeypatch.setattr(methods_table, "TABLE", path)
    return subject.methods_advice(language).splitlines()


@every_language
def test_nothing_follows_from_nothing(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither without results nor with full training alone."""
    assert advice(tmp_path, monkeypatch, language=language) == []
    monkeypatch.setattr(methods_table, "TABLE", tmp_path / "missing.json")
    assert subject.methods_advice(language) == ""


@every_language
def test_the_cheapest_of_those_that_are_near_is_named(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By memory and by time; one that is far on any data set, or not measured on all, is not."""
    near = entry("lora", 16, one=figures(-0.7, -2, 1, seconds=0.8), two=figures(0.5, -1, 2, seconds=0.6))
    far = entry("bitfit", 2, one=figures(-0.8, -2, 1, seconds=0.1), two=figures(0.5, -1, 2, seconds=0.1))
    dear = entry("dora", 17, one=figures(0.0, -1, 1, seconds=1.3), two=figures(0.0, -1, 1, seconds=1.3))
    part = entry("topk", 300, one=figures(0.0, -1, 1, seconds=0.2))
    lines = advice(tmp_path, monkeypatch, dear, near, far, part, language=language)
    assert len(lines) == 3
    assert "`full`" in lines[0]
    assert "`lora`" in lines[1]
    assert "-0.7" in lines[1]
    assert "35 %" in lines[1]
    assert "70 %" in lines[2]
    assert not any(name in line for line in lines for name in ("bitfit", "dora", "topk"))


def test_what_is_proven_is_told_with_its_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better and worse, each only where its interval excludes zero; and where none is near, that."""
    worse = entry("bitfit", 2, one=figures(-3, -4, -2), two=figures(-1, -2, 1))
    better = entry("lora", 16, one=figures(2, 1, 3), two=figures(-0.9, -2, 1))
    lines = advice(tmp_path, monkeypatch, worse, better)
    assert lines[0] == "* **Better than `full`**, zero excluded: `lora` on one."
    assert "no method stays within 0.7 points" in lines[1]
    assert lines[2] == "* **Worse than `full`**, zero excluded: `bitfit` on one."
