"""The folder for sentence-transformers, read by the package itself where it is installed, and as it would read it.

Tolerance: float32 in another order over features of length 1, as the target promises.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.tiny_models import MAX_SEQ_LENGTH, TEXTS, tiny_model

from tunesmith.errors import ConfigError
from tunesmith.export.parity import expected_of
from tunesmith.export.source import Model
from tunesmith.export.targets import TARGETS
from tunesmith.models.poolings import fixed_poolings
from tunesmith.runtimes.torch import encode

MEMBER: Any = TARGETS.member("sentence_transformers")


@pytest.fixture(params=["package", "folder"])
def load(request: pytest.FixtureRequest) -> Any:
    """Both ways to read it."""
    if request.param == "folder":
        return MEMBER._Folder
    if find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed; it is no dependency, and its folder is read without it")
    return MEMBER._Package


def written(folder: Path, **how: Any) -> Model:
    """An export, and what was exported."""
    model = tiny_model(folder.parent / "base", tokenizer="wordpiece", **how)
    folder.mkdir()
    MEMBER.write(folder, model, None)
    return model


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("pooling", fixed_poolings())
def test_vectors_are_the_features(pooling: str, unit_length: bool, load: Any, tmp_path: Path) -> None:
    """Of every pooling, of texts of one window."""
    model = written(tmp_path / "out", pooling=pooling, unit_length=unit_length)
    expected = expected_of(model, TEXTS, with_vectors=True)
    whole = expected.is_whole
    found = load(tmp_path / "out").answers([text for text, is_whole in zip(TEXTS, whole, strict=True) if is_whole])
    np.testing.assert_allclose(found.vectors, expected.said.vectors[whole], rtol=0, atol=2e-5)


def test_a_pooling_that_learns_is_refused(tmp_path: Path) -> None:
    """There is no module for it; the vectors would be others."""
    with pytest.raises(ConfigError, match="no pooling whose weights are learnt") as caught:
        written(tmp_path / "out", pooling="attention")
    assert caught.value.code == "pooling-not-exportable"


def test_both_texts_of_a_pair_have_their_vectors(load: Any, tmp_path: Path) -> None:
    """One behind the other; what the head makes of them is not in the folder."""
    model = written(tmp_path / "out", task="score", pairing="symmetric")
    short = [
        text
        for text, whole in zip(TEXTS, expected_of(model, list(zip(TEXTS, TEXTS, strict=True))).is_whole, strict=True)
        if whole
    ]
    rows = list(zip(short, short[1:] + short[:1], strict=True))
    expected = expected_of(model, rows, with_vectors=True).said
    found = load(tmp_path / "out").answers(rows)
    assert len(found.vectors) == 2 * len(rows)
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=0, atol=2e-5)


def test_a_longer_text_is_cut(load: Any, tmp_path: Path) -> None:
    """Its vector is that of the tokens that fit, not the average over its windows."""
    model = written(tmp_path / "out")
    long = TEXTS[-1]
    ids = model.tokenizer.encode(long, add_special_tokens=False).ids[: MAX_SEQ_LENGTH - 2]
    cut = model.tokens([long]).select(np.array([0]))
    assert cut.n_windows()[0] > 1
    start = model.tokens([model.tokenizer.decode(ids)])
    assert start.input_ids.tolist()[1:-1] == ids
    found = load(tmp_path / "out").answers([long]).vectors
    np.testing.assert_allclose(found, encode(model.encoder.classifier, start), rtol=0, atol=2e-5)
    assert np.abs(found - encode(model.encoder.classifier, cut)).max() > 1e-3


def test_a_folder_that_pools_otherwise_is_found(load: Any, tmp_path: Path) -> None:
    """What its settings say is what is computed."""
    model = written(tmp_path / "out", pooling="max")
    settings = tmp_path / "out" / "1_Pooling" / "config.json"
    text = settings.read_text("utf-8")
    text = text.replace('"pooling_mode_max_tokens": true', '"pooling_mode_max_tokens": false')
    settings.write_text(text.replace('"pooling_mode_mean_tokens": false', '"pooling_mode_mean_tokens": true'), "utf-8")
    found = load(tmp_path / "out").answers(TEXTS[:3]).vectors
    assert np.abs(found - expected_of(model, TEXTS[:3], with_vectors=True).said.vectors).max() > 1e-2
