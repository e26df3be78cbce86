"""A trained model meets missing values and numpy's labels as training does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import tunesmith

TEXTS = [f"{thing} number {n} is {state}" for n in range(10) for thing in ("card", "box") for state in ("late", "here")]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tunesmith.Model]:
    """A model for each type of label, trained on a frame."""
    frames: dict[str, list[object]] = {
        "bool": [np.bool_("card" in text) for text in TEXTS],
        "int": [np.int64("card" in text) for text in TEXTS],
    }
    folder: Path = tmp_path_factory.mktemp("models")
    return {
        kind: tunesmith.train(
            {"text": TEXTS, "label": labels}, rungs=["linear"], budget="none", threads=1, out=folder / kind
        )
        for kind, labels in frames.items()
    }


def test_labels_of_numpy_come_back_as_those_of_python(models: dict[str, tunesmith.Model]) -> None:
    """A list of numpy's truth values or numbers is as good as one of Python's."""
    assert [models["bool"].labels, models["int"].labels] == [[False, True], [0, 1]]
    assert [type(models[kind].labels[0]) for kind in ("bool", "int")] == [bool, int]


def test_a_missing_text_is_an_empty_one(models: dict[str, tunesmith.Model]) -> None:
    """Not the word ``None`` or ``nan``, which the model may have learnt."""
    for missing in (None, math.nan):
        np.testing.assert_array_equal(*(models["int"].predict_proba([text]) for text in (missing, "")))
        assert models["int"].predict([missing]) == models["int"].predict([""])


@pytest.mark.parametrize("kind", ["bool", "int"])
def test_labels_of_numpy_are_measured_on(models: dict[str, tunesmith.Model], kind: str) -> None:
    """As the types they are, and a missing text is measured as an empty one."""
    labels = np.array(["card" in text for text in TEXTS]).astype(kind)
    for given in (labels, labels.tolist(), list(labels)):
        assert models[kind].evaluate(TEXTS, given)["metrics"]["accuracy"]["value"] == 1.0
    assert models[kind].evaluate([None, *TEXTS], [labels[0], *labels])["rows"] == len(TEXTS) + 1
