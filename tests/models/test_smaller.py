"""Encoders that are cut down: what is left computes what it computed."""

from __future__ import annotations

import pytest
import torch
from tests.models.tiny_encoders import packed, tiny_config

from tunesmith.errors import ShapeError
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.smaller import keep_layers, keep_neurons, keep_words

TOKENS = packed([5, 9, 9])


@pytest.fixture
def encoder() -> FlatEncoder:
    """Of three layers, random."""
    torch.manual_seed(0)
    made = FlatEncoder(tiny_config("bert", num_hidden_layers=3)).eval()
    with torch.no_grad():
        for part in made.parameters():
            part.mul_(3.0) if part.ndim > 1 else part.add_(0.1 * torch.randn_like(part))
    made.pooler = {"pooler.dense.weight": torch.ones(32, 32)}
    return made


def test_silent_neurons_can_go(encoder: FlatEncoder) -> None:
    """Where what they give is 0 already, nothing changes; each layer keeps its own, and the pooler goes along."""
    silent = [[3, 17], [0, 47], [8, 9]]
    with torch.no_grad():
        for layer, numbers in zip(encoder.layers, silent, strict=True):
            layer.get_parameter("shrink.weight")[:, numbers] = 0.0
        kept = [[number for number in range(48) if number not in numbers] for numbers in silent]
        made = keep_neurons(encoder, kept)
        torch.testing.assert_close(made(TOKENS), encoder(TOKENS), rtol=1e-5, atol=1e-6)
    assert made.config.intermediate_size == made.config.hf["intermediate_size"] == 46
    assert made.pooler.keys() == encoder.pooler.keys()


def test_words_that_do_not_occur_can_go(encoder: FlatEncoder) -> None:
    """The others have new numbers, and so has the padding."""
    kept = sorted({0, *TOKENS.input_ids.tolist()})
    renumbered = type(TOKENS)(
        torch.tensor([kept.index(token) for token in TOKENS.input_ids.tolist()], dtype=torch.int32).numpy(),
        TOKENS.lengths,
        None,
    )
    with torch.no_grad():
        made = keep_words(encoder, kept)
        torch.testing.assert_close(made(renumbered), encoder(TOKENS), rtol=0, atol=0)
    assert made.config.vocab_size == len(kept) < encoder.config.vocab_size
    assert made.config.hf["vocab_size"] == len(kept)
    behind = FlatEncoder(tiny_config("bert", pad_token_id=7))
    assert keep_words(behind, [3, 5, 7]).config.hf["pad_token_id"] == 2


def test_what_an_encoder_does_not_have_is_refused(encoder: FlatEncoder) -> None:
    """By number."""
    with pytest.raises(ShapeError, match=r"layers \[0, 3\] of an encoder that has layers 0 to 2"):
        keep_layers(encoder, [0, 3])
    with pytest.raises(ShapeError, match=r"layers \[\]"):
        keep_layers(encoder, [])
    with pytest.raises(ShapeError, match=r"\[1, 2\] neurons in 3 layers of 3"):
        keep_neurons(encoder, [[0], [0, 1], [0]])
    with pytest.raises(ShapeError, match=r"\[1\] neurons in 2 layers of 3"):
        keep_neurons(encoder, [[0], [1]])
    with pytest.raises(ShapeError, match="token 0 is the padding"):
        keep_words(encoder, [1, 2])
