"""Running a model over all rows: in their order, each as if it were alone, memory bounded, progress told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.models.tiny_encoders import N_POSITIONS, N_WORDS, tiny_config

from tunesmith.data.batch import pack
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ConfigError
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.runtimes import torch as subject
from tunesmith.runtimes.torch import encode, encode_poolings, logits


def token_set(windows: list[list[int]]) -> TokenSet:
    """Random tokens: for each row the lengths of its windows."""
    lengths = np.array([length for row in windows for length in row])
    ids = np.random.default_rng(0).integers(5, N_WORDS, lengths.sum()).astype(np.int32)
    row = np.repeat(np.arange(len(windows)), [len(row) for row in windows])
    n_tokens = np.array([sum(row) for row in windows], dtype=np.int32)
    return TokenSet(ids, np.concatenate(([0], lengths.cumsum())), row, None, n_tokens)


ROWS = token_set([[9], [2], [20, 20, 7], [5], [9], [3], [24, 2], [9]])


@pytest.fixture
def classifier() -> EncoderClassifier:
    """A tiny random classifier of three classes."""
    torch.manual_seed(0)
    head = LinearHead(32, 3)
    torch.nn.init.normal_(head.weight)
    return EncoderClassifier(FlatEncoder(tiny_config("bert")), "mean", head, unit_length=True)


def one_by_one(run: Callable[[TokenSet], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Each row in a set of its own."""
    return np.concatenate([run(ROWS.select(np.array([row]))) for row in range(ROWS.n_rows)])


@pytest.mark.parametrize("batch_tokens", [1, 16, 4096])
def test_rows_come_back_in_their_order(classifier: EncoderClassifier, batch_tokens: int) -> None:
    """However rows are dealt out, each gets what it gets alone."""
    features = encode(classifier, ROWS, batch_tokens=batch_tokens)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, one_by_one(lambda row: encode(classifier, row)), rtol=1e-5, atol=1e-5)
    scores = logits(classifier, ROWS, batch_tokens=batch_tokens)
    assert scores.shape == (8, 3)
    np.testing.assert_allclose(scores, one_by_one(lambda row: logits(classifier, row)), rtol=1e-5, atol=1e-5)


def test_the_answers_are_the_classifier_s(classifier: EncoderClassifier) -> None:
    """The same as a forward pass over a packed batch, unit length and head included."""
    batch = pack(ROWS, np.arange(8))
    with torch.inference_mode():
        expected = classifier.eval()(batch.tokens, batch.sequence_text, len(batch)).numpy()
        features = classifier.features(batch.tokens, batch.sequence_text, len(batch)).numpy()
    np.testing.assert_allclose(logits(classifier, ROWS), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(encode(classifier, ROWS), features, rtol=1e-5, atol=1e-5)


def test_poolings_share_one_pass(classifier: EncoderClassifier) -> None:
    """Mean, cls and max come from a single encoding of each text, windows averaged, and are not scaled."""
    seen = []
    encoder = classifier.encoder
    encoder.register_forward_pre_hook(lambda module, args: seen.append(len(args[0].input_ids)))
    found = encode_poolings(encoder, ROWS, ["mean", "cls", "max"])
    assert sum(seen) == len(ROWS.input_ids)
    assert list(found) == ["mean", "cls", "max"]
    for name, values in found.items():
        alone = EncoderClassifier(encoder, name, classifier.head, unit_length=False)
        np.testing.assert_allclose(values, encode(alone, ROWS), rtol=1e-5, atol=1e-5)
    assert not np.allclose(found["mean"], found["cls"])


def test_memory_does_not_grow_with_one_very_long_text(classifier: EncoderClassifier) -> None:
    """A text of many windows is run in parts, with the same result."""
    long = token_set([[N_POSITIONS] * 40, [4]])
    seen = []
    classifier.encoder.register_forward_pre_hook(lambda module, args: seen.append(len(args[0].input_ids)))
    in_parts = encode(classifier, long, batch_tokens=64)
    assert max(seen) <= 128
    assert sum(seen) == len(long.input_ids)
    np.testing.assert_allclose(in_parts, encode(classifier, long, batch_tokens=4096), rtol=1e-5, atol=1e-5)


def test_progress_is_told_in_tokens(classifier: EncoderClassifier) -> None:
    """After each pass, up to all tokens."""
    told: list[tuple[int, int]] = []
    logits(classifier, ROWS, batch_tokens=16, progress=lambda done, total: told.append((done, total)))
    total = len(ROWS.input_ids)
    assert len(told) > 1
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (total, total)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_as_it_was(classifier: EncoderClassifier, training: bool) -> None:
    """Evaluation is without dropout; the caller's mode returns, after an error too."""
    classifier.train(training)
    first = logits(classifier, ROWS)
    assert np.array_equal(logits(classifier, ROWS), first)
    assert classifier.training == classifier.encoder.training == training

    def failing(done: int, total: int) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        logits(classifier, ROWS, progress=failing)
    assert classifier.encoder.training == training
    assert torch.is_grad_enabled()


def test_memory_is_looked_after_between_passes_alone(
    classifier: EncoderClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass of its own, such as a single text is, looks at nothing."""
    looked: list[int] = []

    class Looking:
        """Counts."""

        def between_passes(self) -> None:
            """Once more."""
            looked.append(1)

    monkeypatch.setattr(subject, "Trimming", Looking)
    logits(classifier, ROWS)
    assert looked == []
    told: list[int] = []
    logits(classifier, ROWS, batch_tokens=1, progress=lambda done, total: told.append(done))
    assert len(looked) == len(told) - 1 > 1


def test_no_rows_give_no_answers(classifier: EncoderClassifier) -> None:
    """An empty set is answered with nothing."""
    nothing = ROWS.select(np.array([], dtype=np.int64))
    assert logits(classifier, nothing).shape == (0, 3)
    assert encode_poolings(classifier.encoder, nothing, ["max"])["max"].shape == (0, 32)


def test_an_unknown_pooling_is_told_before_any_work(classifier: EncoderClassifier) -> None:
    """The nearest is offered."""
    with pytest.raises(ConfigError, match="did you mean 'max'"):
        encode_poolings(classifier.encoder, ROWS, ["mx"])


def test_token_types_arrive(classifier: EncoderClassifier) -> None:
    """The second text of a pair is told apart, in parts too."""
    types = (np.arange(len(ROWS.input_ids)) % 2).astype(np.uint8)
    typed = TokenSet(ROWS.input_ids, ROWS.offsets, ROWS.row, types, ROWS.n_tokens)
    found = encode(classifier, typed)
    assert not np.allclose(found, encode(classifier, ROWS), atol=1e-3)
    np.testing.assert_allclose(encode(classifier, typed, batch_tokens=1), found, rtol=1e-5, atol=1e-5)
