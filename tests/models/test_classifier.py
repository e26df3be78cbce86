"""From packed tokens to one answer a row: order of rows, windows, length."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import packed
from torch import Tensor

from tunesmith.errors import ConfigError
from tunesmith.models.classifier import EncoderClassifier, text_means
from tunesmith.models.encoder import Encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.types import PackedTokens


class Numbers(Encoder):
    """Encodes each token as its own number, twice."""

    def forward(self, tokens: PackedTokens) -> Tensor:
        """See the class."""
        return torch.from_numpy(tokens.input_ids.astype(np.float32)).unsqueeze(1).repeat(1, 2)


def classifier(*, unit_length: bool = False, pooling: str = "mean") -> EncoderClassifier:
    """A classifier whose features can be computed by hand; its head gives their sum and their difference."""
    head = LinearHead(2, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        head.bias.copy_(torch.tensor([0.5, 0.0]))
    return EncoderClassifier(Numbers(2), pooling, head, unit_length=unit_length)


TOKENS = PackedTokens(np.array([8, 1, 3, 5, 7], dtype=np.int32), np.array([1, 2, 2]))
"""Means 8, 2 and 6."""


def test_sequences_are_put_into_the_order_of_their_rows() -> None:
    """Packing sorts by length; answers must come in the order of the rows, without a sum where one row is one text."""
    features = classifier().features(TOKENS, np.array([2, 0, 1]), 3)
    assert features[:, 0].tolist() == [2.0, 6.0, 8.0]


def test_a_row_s_windows_are_averaged() -> None:
    """Two windows of one row count alike."""
    features = classifier().features(TOKENS, np.array([1, 0, 1]), 2)
    assert features[:, 0].tolist() == [2.0, 7.0]


def test_windows_are_averaged_before_the_length_is_set() -> None:
    """Features are scaled once, at the end; the head sees length 1."""
    features = classifier(unit_length=True).features(TOKENS, np.array([1, 0, 1]), 2)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2))


def test_the_head_scores_the_features() -> None:
    """Logits are the head's of the features."""
    logits = classifier()(TOKENS, np.array([2, 0, 1]), 3)
    torch.testing.assert_close(logits, torch.tensor([[4.5, 0.0], [12.5, 0.0], [16.5, 0.0]]))


def test_read_only_arrays_are_welcome() -> None:
    """Arrays of a token set may be frozen or memory-mapped; torch must not warn about them."""
    rows = np.array([1, 0, 1])
    rows.flags.writeable = False
    assert classifier()(TOKENS, rows, 2).shape == (2, 2)


def test_an_unknown_pooling_is_told_with_the_nearest() -> None:
    """The nearest known pooling is offered."""
    with pytest.raises(ConfigError, match="did you mean 'mean'"):
        classifier(pooling="meen")


def test_text_means_carries_gradients_to_every_sequence() -> None:
    """Each window of a row gets its share."""
    vectors = torch.ones(3, 1, requires_grad=True)
    text_means(vectors, np.array([0, 1, 0]), 2).sum().backward()
    assert vectors.grad is not None
    assert vectors.grad.flatten().tolist() == [0.5, 1.0, 0.5]


def test_the_head_and_the_encoder_are_trained_together() -> None:
    """Whoever lists a classifier's parameters finds the head's, and no pooling has any."""
    assert [name for name, _ in classifier().named_parameters()] == ["head.weight", "head.bias"]
    assert packed([2]).lengths.tolist() == [2]
