"""The target ``transformers`` says how it came by what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.export.test_distil import WORDS
from tests.export.test_stock import without_constant
from tests.export.tiny_models import TEXTS, tiny_model

from tunesmith.export.parity import expected_of
from tunesmith.export.source import Model
from tunesmith.export.targets import TARGETS, Made
from tunesmith.export.trial import Given, trial_of


def made_of(model: Model, folder: Path, *, is_file: bool = True) -> Made:
    """What the target made of a model, with rows to teach with or without."""
    rows = [f"{one} {other} {third}" for one in WORDS for other in WORDS[:4] for third in WORDS[7:9]]
    trial = trial_of(Given("rows.csv", [*TEXTS, *rows], is_file=is_file), model, max_loss=0.5, seed=0, told=print)
    folder.mkdir()
    made: Made = TARGETS.member("transformers").write(folder, model, trial)
    return made


def test_an_exact_form_is_held_to_a_tolerance(tmp_path: Path) -> None:
    """And to the gate, for the sake of longer texts."""
    made = made_of(without_constant(tiny_model(tmp_path / "base")), tmp_path / "out")
    assert made.notes["exact"]
    assert made.tolerance == {"probabilities": 1e-3, "values": 1e-3}
    assert made.gated
    assert "computes what the model computes" in made.card


@pytest.mark.parametrize(
    ("model_type", "pooling", "is_file", "taught", "told"),
    [
        ("bert", "max", True, True, "was taught to answer"),
        ("bert", "max", False, False, "comes near"),
        ("mpnet", "mean", True, False, "comes near"),
    ],
)
def test_a_form_that_is_not_exact_is_left_to_the_gate(  # noqa: PLR0917
    model_type: str, pooling: str, is_file: bool, taught: bool, told: str, tmp_path: Path
) -> None:
    """A pooling can be taught where there are rows; MPNet's attention looks at places, which no teaching changes."""
    model = tiny_model(tmp_path / "base", model_type, pooling=pooling, tokenizer="wordpiece")
    made = made_of(model, tmp_path / "out", is_file=is_file)
    assert not made.notes["exact"]
    assert made.tolerance == {}
    assert made.gated
    assert (made.notes["taught_rows"] > 0) == taught
    assert told in made.card


def test_a_pair_keeps_the_mark_of_an_empty_text(tmp_path: Path) -> None:
    """A pipeline takes an empty second text for none; the model has read that there are two."""
    model = without_constant(tiny_model(tmp_path / "base", tokenizer="wordpiece", joins=True))
    rows = [("the cat", "a dog"), ("the cat", ""), ("", "a dog"), ("", ""), ("a dog", " ")]
    trial = trial_of(Given("rows.csv", rows), model, max_loss=0.5, seed=0, told=print)
    (tmp_path / "out").mkdir()
    assert TARGETS.member("transformers").write(tmp_path / "out", model, trial).notes["exact"]
    found = TARGETS.member("transformers").load(tmp_path / "out").answers(rows).probabilities
    np.testing.assert_allclose(found, expected_of(model, rows).said.probabilities, rtol=0, atol=1e-5)
