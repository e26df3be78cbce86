"""Poolings that read first tokens alone: the same vectors and gradients, without the work of the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import FLAT, packed, tiny_config
from torch import Tensor

from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.network import Network
from tunesmith.models.pooled import vectors_read
from tunesmith.models.poolings import load_pooling
from tunesmith.runtimes.torch import logits
from tunesmith.types import PackedTokens

TOKENS = packed([2, 2, 5, 9])


def encoder_of(model_type: str = "bert") -> FlatEncoder:
    """A tiny random encoder that drops nothing out."""
    torch.manual_seed(0)
    return FlatEncoder(tiny_config(model_type, dropout=0.0)).eval()


@contextmanager
def rows_grown(encoder: FlatEncoder) -> Iterator[list[int]]:
    """Count the vectors that go through the feed-forward part of each layer."""
    seen: list[int] = []
    hooks = [
        layer.get_submodule("grow").register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
        for layer in encoder.layers
    ]
    yield seen
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("n_frozen", [0, 1, 2, 3])
@pytest.mark.parametrize("model_type", FLAT)
def test_first_tokens_have_the_vectors_they_have_among_all(model_type: str, n_frozen: int) -> None:
    """Whatever the architecture, and wherever training begins; nothing is added in another order but by the library."""
    encoder = encoder_of(model_type)
    encoder.freeze(n_frozen)
    with torch.no_grad():
        expected = encoder(TOKENS)[torch.from_numpy(TOKENS.firsts())]
        torch.testing.assert_close(encoder.firsts(TOKENS), expected, rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_reading_all() -> None:
    """Of every weight, so it trains alike."""
    found = []
    for firsts_alone in (True, False):
        encoder = encoder_of()
        vectors = encoder.firsts(TOKENS) if firsts_alone else encoder(TOKENS)[torch.from_numpy(TOKENS.firsts())]
        (vectors * torch.linspace(-1, 1, vectors.numel()).view_as(vectors)).sum().backward()
        found.append({name: part.grad for name, part in encoder.named_parameters()})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    ("poolings", "last"), [(["cls"], 4), (["cls", "cls"], 4), (["cls", "mean"], 18), (["max"], 18)]
)
def test_the_last_layer_makes_what_is_read(poolings: list[str], last: int) -> None:
    """Of 18 tokens in four sequences; and each pooling gives what it gives of all vectors."""
    encoder = encoder_of()
    pools = [load_pooling(name, encoder.hidden_size) for name in poolings]
    with torch.no_grad(), rows_grown(encoder) as rows:
        hidden, read = vectors_read(encoder, pools, TOKENS)
        assert rows == [18, last]
        for pool in pools:
            torch.testing.assert_close(pool(hidden, read), pool(encoder(TOKENS), TOKENS), rtol=1e-5, atol=1e-5)


def test_a_classifier_trains_and_answers_by_it() -> None:
    """Both ways read as much as they need, in the order of the texts."""
    encoder = encoder_of()
    classifier = EncoderClassifier(encoder, "cls", LinearHead(32, 3), unit_length=True)
    order = np.arange(4)
    with rows_grown(encoder) as rows:
        trained = classifier.train()(TOKENS, order, 4)
        answered = logits(classifier, token_rows())
    assert rows == [18, 4, 18, 4]
    np.testing.assert_allclose(trained.detach().numpy(), answered, rtol=1e-4, atol=1e-5)


def token_rows() -> TokenSet:
    """The same sequences, a row each."""
    offsets = np.concatenate(([0], TOKENS.lengths.cumsum()))
    return TokenSet(TOKENS.input_ids, offsets, np.arange(4), None, TOKENS.lengths.astype(np.int32))


def test_a_network_that_cannot_reads_all() -> None:
    """Those trained from scratch."""
    hidden, read = vectors_read(_Plain(4), [load_pooling("cls", 4)], TOKENS)
    assert hidden.shape == (18, 4)
    assert read is TOKENS


class _Plain(Network):
    """A network without ``firsts``."""

    def forward(self, tokens: PackedTokens) -> Tensor:
        """One vector a token."""
        return torch.zeros(len(tokens.input_ids), 4)
