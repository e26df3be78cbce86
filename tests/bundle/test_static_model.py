"""Averaged token vectors: numpy says what torch's own modules say, and pairs and windows are read as an encoder's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.word_pieces import word_pieces

from tunesmith.bundle.static_model import StaticModel
from tunesmith.data.joined import JOINED
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.static_table import rounded
from tunesmith.models.token_vectors import TokenVectors
from tunesmith.models.tokenizers import n_ids
from tunesmith.runtimes import numpy as by_numpy
from tunesmith.runtimes.numpy import static_vectors
from tunesmith.runtimes.torch import logits

WORDS = "apple pear plum fig grape melon peach cherry quince lemon lime berry".split()
WIDTH, N_LABELS = 16, 3


@pytest.fixture
def model() -> StaticModel:
    """Random vectors under a random head."""
    random = np.random.default_rng(0)
    tokenizer = word_pieces(WORDS)
    table, scale = rounded(random.normal(size=(n_ids(tokenizer), WIDTH)).astype(np.float32))
    weight = random.normal(size=(N_LABELS, WIDTH)).astype(np.float32)
    bias = random.normal(size=N_LABELS).astype(np.float32)
    return StaticModel(table, scale, weight, bias, tokenizer, max_seq_length=8, unit_length=True)


@pytest.fixture
def texts() -> list[str]:
    """Of no word, of a few, and of so many that they are read in windows."""
    random = np.random.default_rng(1)
    return ["", *(" ".join(random.choice(WORDS, size)) for size in (1, 5, 30, 3, 17))]


def by_torch(model: StaticModel) -> EncoderClassifier:
    """The same model as the rest of the house computes it."""
    table = torch.from_numpy(model.table * model.scale[:, None])
    head = LinearHead(model.weight.shape[1], N_LABELS)
    head.load_state_dict({"weight": torch.from_numpy(model.weight), "bias": torch.from_numpy(model.bias)})
    vectors = TokenVectors(table, np.arange(len(table)))
    return EncoderClassifier(vectors, "mean", head, unit_length=model.unit_length, pairing=model.pair_by).eval()


@pytest.mark.parametrize("unit_length", [True, False])
def test_numpy_says_what_torch_says(model: StaticModel, texts: list[str], *, unit_length: bool) -> None:
    """Windows averaged, scaled to length 1 where asked for."""
    model = replace(model, unit_length=unit_length)
    tokens = model.tokens(texts)
    assert tokens.n_windows().max() > 1
    found = model.logits(model.features(tokens))
    np.testing.assert_allclose(found, logits(by_torch(model), tokens), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pairing", ["ordered", "symmetric"])
def test_pairs_are_read_apart(model: StaticModel, texts: list[str], pairing: str) -> None:
    """By the pairings that encoders have; the order of the rows is kept."""
    width = {"ordered": 4, "symmetric": 2}[pairing] * WIDTH
    weight = np.random.default_rng(2).normal(size=(N_LABELS, width)).astype(np.float32)
    model = replace(model, pair_by=pairing, weight=weight)
    tokens = model.tokens([*zip(texts, texts[::-1], strict=True)])
    found = model.logits(model.features(tokens))
    np.testing.assert_allclose(found, logits(by_torch(model), tokens), rtol=1e-5, atol=1e-5)
    assert model.pairing == pairing


def test_the_texts_of_a_pair_may_come_in_either_order(model: StaticModel) -> None:
    """A set of tokens says of each sequence which text it is of."""
    one, other = (model.tokens([text]).input_ids for text in ("apple", "pear fig"))
    lengths = np.array([len(other), len(one)])
    offsets, n_tokens = np.concatenate(([0], np.cumsum(lengths))), np.array([lengths.sum()], np.int32)
    sides = np.array([1, 0], dtype=np.uint8)
    turned = TokenSet(np.concatenate([other, one]), offsets, np.array([0, 0]), None, n_tokens, sides)
    found = static_vectors(model.table, model.scale, turned)
    expected = static_vectors(model.table, model.scale, model.tokens([("apple", "pear fig")]))
    np.testing.assert_array_equal(found, expected)


def test_pairs_are_read_in_one(model: StaticModel) -> None:
    """Then both texts are one bag."""
    model = replace(model, joins=True, max_seq_length=32)
    assert model.pairing == JOINED
    one, other = model.features(model.tokens([("apple pear", "fig"), ("fig apple", "pear")]))
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_neighbours_change_nothing(model: StaticModel, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit by bit, however the tokens are cut into parts."""
    tokens = model.tokens(texts)
    whole = static_vectors(model.table, model.scale, tokens)
    for number, text in enumerate(texts):
        alone = static_vectors(model.table, model.scale, model.tokens([text]))
        assert np.array_equal(alone[0], whole[number])
    monkeypatch.setattr(by_numpy, "_TOKENS_AT_ONCE", 3)
    assert np.array_equal(static_vectors(model.table, model.scale, tokens), whole)


def test_rounding_moves_no_value_by_more_than_half_a_step() -> None:
    """Rows of zeros included."""
    table = np.random.default_rng(0).normal(size=(50, WIDTH)).astype(np.float32)
    table[7] = 0.0
    steps, scale = rounded(table)
    assert np.abs(steps * scale[:, None] - table).max() <= 0.5001 * scale.max()
    assert np.abs(steps).max() == 127
    assert not steps[7].any()
