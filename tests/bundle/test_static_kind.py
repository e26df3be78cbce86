"""A static bundle whose parts do not fit together is refused before it answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.models.word_pieces import word_pieces

from tunesmith.bundle.kinds import static
from tunesmith.bundle.schema import Facts, TokenFacts
from tunesmith.bundle.static_model import StaticModel
from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import load_arrays, save_tensors
from tunesmith.models.static_table import rounded
from tunesmith.models.tokenizers import n_ids

Arrays = dict[str, NDArray[Any]]
TOKENS = TokenFacts(max_seq_length=16, pooling="mean", unit_length=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a model of three labels, eight numbers wide."""
    random = np.random.default_rng(0)
    tokenizer = word_pieces(["apple", "pear"])
    table, scale = rounded(random.normal(size=(n_ids(tokenizer), 8)).astype(np.float32))
    weight, bias = random.normal(size=(3, 8)).astype(np.float32), np.zeros(3, dtype=np.float32)
    static.save(tmp_path, StaticModel(table, scale, weight, bias, tokenizer, max_seq_length=16, unit_length=True))
    return tmp_path


def loaded(folder: Path, tokens: TokenFacts | None = TOKENS) -> static.StaticPredictor:
    """Load it as a bundle that says no more than matters here."""
    return static.load(folder, cast("Facts", SimpleNamespace(kind="static", tokens=tokens, n_outputs=3)))


def test_what_fits_is_loaded(folder: Path) -> None:
    """And answers."""
    assert loaded(folder).outputs(["apple", "pear apple"]).logits.shape == (2, 3)


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        (None, "must say its tokens"),
        (TOKENS.model_copy(update={"pooling": "max"}), "averages its tokens"),
        (TOKENS.model_copy(update={"max_seq_length": 100_000}), "longer than a static model reads"),
    ],
)
def test_a_description_of_another_model_is_refused(folder: Path, tokens: TokenFacts | None, problem: str) -> None:
    """It says how texts are read."""
    with pytest.raises(ArtifactError, match=problem) as caught:
        loaded(folder, tokens)
    assert caught.value.code == "facts-damaged"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda arrays: arrays.update(table=arrays["table"][:-1], scale=arrays["scale"][:-1]), "weights-shape"),
        (lambda arrays: arrays.update(scale=arrays["scale"][:-1]), "weights-shape"),
        (lambda arrays: arrays.update(table=arrays["table"].astype(np.float32)), "weights-shape"),
        (lambda arrays: arrays.update(more=arrays["scale"]), "weights-shape"),
        (lambda arrays: arrays.pop("head.bias"), "weights-shape"),
        (lambda arrays: arrays.update({"head.weight": arrays["head.weight"][:, :-1]}), "head-differs"),
        (lambda arrays: arrays.update({"head.bias": arrays["head.bias"][:-1]}), "head-differs"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(folder: Path, change: Callable[[Arrays], object], code: str) -> None:
    """A table that lacks tokens, tensors of other types, names or widths."""
    arrays = load_arrays(folder / static.WEIGHTS)
    change(arrays)
    save_tensors(folder / static.WEIGHTS, arrays)
    with pytest.raises(ArtifactError, match=r"model\.safetensors") as caught:
        loaded(folder)
    assert caught.value.code == code
