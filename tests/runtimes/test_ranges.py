"""Between which values the inputs of linear maps lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import tiny_config

from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.quantized_encoder import linear_maps
from tunesmith.runtimes.ranges import column_ranges
from tunesmith.runtimes.torch import BATCH_TOKENS


def token_set(lengths: list[int]) -> TokenSet:
    """Random tokens, one sequence a row."""
    random = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenSet(
        input_ids=random.integers(5, 60, int(offsets[-1])).astype(np.int32),
        offsets=offsets,
        row=np.arange(len(lengths), dtype=np.int64),
        token_type_ids=None,
        n_tokens=np.array(lengths, dtype=np.int32),
    )


@pytest.fixture
def classifier() -> EncoderClassifier:
    """A tiny random BERT under a head."""
    torch.manual_seed(0)
    encoder = FlatEncoder(tiny_config("bert"))
    return EncoderClassifier(encoder, "mean", LinearHead(32, 3), unit_length=True).eval()


def test_ranges_hold_all_that_goes_into_each_map(classifier: EncoderClassifier) -> None:
    """Those of all rows are those of the parts together, and they are tight."""
    lengths = [4, 9, 6] * 150
    assert sum(lengths) > BATCH_TOKENS, "one pass alone would prove nothing"
    whole = column_ranges(classifier, token_set(lengths))
    assert list(whole) == list(linear_maps(classifier.encoder))  # type: ignore[arg-type]
    assert [len(found.low) for found in whole.values()] == [32, 32, 32, 48] * 2
    for found in whole.values():
        assert (found.low < found.high).all()
    tokens = token_set(lengths)
    parts = [column_ranges(classifier, tokens.select(rows)) for rows in (np.arange(100), np.arange(100, 450))]
    for name, found in whole.items():
        low, high = (torch.stack([part[name][end] for part in parts]) for end in (0, 1))
        torch.testing.assert_close(found.low, low.amin(dim=0), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found.high, high.amax(dim=0), rtol=1e-4, atol=1e-5)


def test_the_encoder_is_left_without_hooks(classifier: EncoderClassifier) -> None:
    """Whatever runs it next is not watched."""
    column_ranges(classifier, token_set([4]))
    assert not any(part._forward_pre_hooks for part in classifier.modules())
