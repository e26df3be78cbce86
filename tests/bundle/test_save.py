"""Saving reads back what it wrote and holds its answers to those of the model in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.bundle.test_load import TEXTS, facts, fitted

from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import save_bundle
from tunesmith.errors import ArtifactError
from tunesmith.models.bag_of_words import BagOfWords


def save(folder: Path, model: BagOfWords, expected: NDArray[np.float32]) -> None:
    """Save a model that is said to have answered this."""
    save_bundle(
        folder,
        model,
        facts(),
        probe_texts=TEXTS,
        probe_logits=expected,
        extra_files={"README.md": "card", "report.html": "<p>"},
        costs={},
    )


def enlarged(factor: float) -> BagOfWords:
    """A sound model whose logits are so many times those of ``fitted``."""
    tensors, vocabulary = fitted().state()
    larger = {name: value if name.endswith("idf") else value * np.float32(factor) for name, value in tensors.items()}
    return BagOfWords.from_state(larger, vocabulary)


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_equal_answers_are_equal_up_to_rounding(tmp_path: Path, factor: float) -> None:
    """Batches of other shapes sum in another order: the last bits differ, the more the larger the logits are."""
    model = enlarged(factor)
    logits = model.logits(TEXTS)
    save(tmp_path / "m", model, logits + np.float32(5e-5 * max(1.0, np.abs(logits).max())))
    np.testing.assert_array_equal(load_bundle(tmp_path / "m").predictor.outputs(TEXTS).logits, logits)


@pytest.mark.parametrize("factor", [1.0, 1e4])
@pytest.mark.parametrize("off", [3e-4, -3e-4, 1.0, float("nan")])
def test_one_other_answer_is_found(tmp_path: Path, off: float, factor: float) -> None:
    """A single logit of a single text, up or down, or no number at all: told with its size and what is allowed."""
    model = enlarged(factor)
    expected = model.logits(TEXTS)
    expected[-1, 1] += np.float32(off * max(1.0, np.abs(expected).max()))
    with pytest.raises(ArtifactError, match="save-differs") as caught:
        save(tmp_path / "m", model, expected)
    assert caught.value.where == str(tmp_path / "m")
    assert caught.value.exit_code == 3
    assert "largest relative difference of a logit" in str(caught.value.found)
    assert caught.value.allowed == "1e-04"


def test_what_is_compared_is_what_lies_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is written wrong is found, though the one in memory is sound."""
    model, state = fitted(), BagOfWords.state

    def spoilt(self: BagOfWords) -> object:
        tensors, vocabulary = state(self)
        return {**tensors, "bias": tensors["bias"] + np.arange(3, dtype=np.float32)}, vocabulary

    monkeypatch.setattr(BagOfWords, "state", spoilt)
    with pytest.raises(ArtifactError, match="save-differs"):
        save(tmp_path / "m", model, model.logits(TEXTS))
