"""Encoders that are cut down: what is left computes what it computed."""

from __future__ import annotations

import pytest
import torch
from tests.models.tiny_encoders import packed, tiny_config

from tunesmith.errors import ShapeError
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.smaller import keep_channels, keep_layers, keep_neurons, keep_words

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


def test_each_map_is_the_part_between_what_is_kept(encoder: FlatEncoder) -> None:
    """What has 0 wherever something is left out is mapped as before; so are tables and norms, entry by entry."""
    n_heads = encoder.config.num_attention_heads
    size = 32 // n_heads
    heads = [[0, n_heads - 1], [1, 2], [0, 2]]
    channels = sorted(torch.randperm(32)[: 2 * size].tolist())
    made = keep_channels(encoder, channels, heads)
    assert made.config.hidden_size == made.config.embedding_size == made.config.hf["hidden_size"] == 2 * size
    assert made.config.hf["num_attention_heads"] == 2
    whole = torch.zeros(7, 32)
    whole[:, channels] = part = torch.randn(7, 2 * size)
    with torch.no_grad():
        for old, new, kept in zip(encoder.layers, made.layers, heads, strict=True):
            inner = [size * head + place for head in kept for place in range(size)]
            qkv = [32 * third + place for third in range(3) for place in inner]
            torch.testing.assert_close(new.qkv(part), old.qkv(whole)[:, qkv])
            gathered = torch.zeros(7, 32)
            gathered[:, inner] = part
            torch.testing.assert_close(new.attention_out(part), old.attention_out(gathered)[:, channels])
            torch.testing.assert_close(new.shrink(new.grow(part)), old.shrink(old.grow(whole))[:, channels])
            torch.testing.assert_close(new.output_norm.weight, old.output_norm.weight[channels])
            torch.testing.assert_close(new.attention_norm.bias, old.attention_norm.bias[channels])
        for name, table in encoder.embeddings.state_dict().items():
            torch.testing.assert_close(made.embeddings.state_dict()[name], table[..., channels])
    assert made.pooler["pooler.dense.weight"].shape == (2 * size, 2 * size)


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
    with pytest.raises(ShapeError, match=r"8 channels, but \[1, 2, 1\] heads of 8"):
        keep_channels(encoder, list(range(8)), [[0], [0, 1], [0]])
