"""Every encoder, pooling and head, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import hf_model, packed, saved

from tunesmith.config import Family
from tunesmith.errors import ConfigError, ShapeError
from tunesmith.files.tensors import save_tensors
from tunesmith.models.checkpoint import load_weights
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import ENCODERS
from tunesmith.models.flops import forward_flops
from tunesmith.models.heads import HEADS
from tunesmith.models.poolings import POOLINGS, fixed_poolings, load_pooling
from tunesmith.types import PackedTokens

FAMILIES = {"encoder": ENCODERS, "pooling": POOLINGS, "head": HEADS}
LENGTHS = [2, 3, 3, 6]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_members_are_found_without_a_list(family: Family) -> None:
    """A family knows its members by their files, and every one has Options and build."""
    assert family.names()
    for name in family.names():
        member = family.member(name)
        assert callable(member.build)
        assert member.Options() == family.options(name)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_an_unknown_member_is_told_with_the_nearest(family: Family) -> None:
    """A misspelt member names the one that was most likely meant."""
    right = family.names()[0]
    with pytest.raises(ConfigError, match=right):
        family.member(f"{right}x")


@pytest.fixture(params=ENCODERS.names())
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Encoder:
    """Each engine around the same tiny BERT, in evaluation mode."""
    folder = saved(hf_model("bert"), tmp_path)
    member = ENCODERS.member(request.param)
    built: Encoder = member.build(read_encoder_config(folder), load_weights(folder), member.Options())
    return built.eval()


def test_an_encoder_gives_a_vector_a_token(encoder: Encoder) -> None:
    """Width as it says, in the order of the tokens, differing where the tokens differ."""
    tokens = packed(LENGTHS)
    hidden = encoder(tokens)
    assert hidden.shape == (sum(LENGTHS), encoder.hidden_size)
    assert hidden.dtype == torch.float32
    reversed_pair = PackedTokens(np.concatenate([tokens.input_ids[5:8], tokens.input_ids[2:5]]), np.array([3, 3]))
    swapped = encoder(reversed_pair)
    torch.testing.assert_close(swapped, torch.cat([hidden[5:8], hidden[2:5]]), rtol=1e-5, atol=1e-5)


def test_an_encoder_saves_what_it_loads(encoder: Encoder, tmp_path: Path) -> None:
    """A saved state builds an encoder of exactly the same outputs and the same state."""
    save_tensors(tmp_path / "model.safetensors", encoder.hf_state())
    member = ENCODERS.member(type(encoder).__module__.rsplit(".", maxsplit=1)[-1])
    again = member.build(encoder.config, load_weights(tmp_path), member.Options()).eval()
    tokens = packed(LENGTHS)
    assert torch.equal(again(tokens), encoder(tokens))
    for name, tensor in encoder.hf_state().items():
        assert not tensor.requires_grad
        assert torch.equal(again.hf_state()[name], tensor), name


def test_an_encoder_tells_its_word_vectors_and_its_cost(encoder: Encoder) -> None:
    """The table that is looked up in, and what a pass costs, whichever engine runs it: that of the published shape."""
    table = encoder.hf_state()["embeddings.word_embeddings.weight"]
    assert torch.equal(encoder.word_vectors(), table)
    assert not encoder.word_vectors().requires_grad
    lengths = packed(LENGTHS).lengths
    assert encoder.forward_flops(lengths) == forward_flops(encoder.config, lengths) > 0.0


def test_an_encoder_s_layers_hold_every_trained_parameter_once(encoder: Encoder) -> None:
    """Embeddings, then one group a layer; a pooler that nothing uses may be left over or in the last."""
    groups = encoder.layer_groups()
    assert len(groups) == 3
    listed = [id(parameter) for group in groups for parameter in group]
    trained = {id(parameter) for parameter in encoder.parameters() if parameter.requires_grad}
    assert len(listed) == len(set(listed))
    assert trained <= set(listed)


def test_an_encoder_trains_and_its_frozen_embeddings_do_not(encoder: Encoder) -> None:
    """One step moves every layer, and what is saved moves with it."""
    before = {name: tensor.clone() for name, tensor in encoder.hf_state().items()}
    encoder.freeze(1)
    encoder.train()
    encoder(packed(LENGTHS)).square().mean().backward()
    trained = [parameter for parameter in encoder.parameters() if parameter.grad is not None]
    torch.optim.SGD(trained, lr=0.1).step()
    for name, tensor in encoder.hf_state().items():
        if name.endswith("key.bias"):  # it shifts all scores of a query alike: softmax leaves it a gradient of rounding
            continue
        moves = not name.startswith(("embeddings.", "pooler."))
        assert torch.equal(tensor, before[name]) != moves, name


def test_an_encoder_drops_out_only_in_training(encoder: Encoder) -> None:
    """Evaluation repeats itself, training does not."""
    tokens = packed(LENGTHS)
    assert torch.equal(encoder(tokens), encoder(tokens))
    encoder.train()
    assert not torch.equal(encoder(tokens), encoder(tokens))


@pytest.mark.parametrize("name", POOLINGS.names())
def test_a_pooling_gives_one_vector_a_sequence(name: str) -> None:
    """A sequence's vector depends on its own tokens alone, and one of equal tokens is that token."""
    pool = load_pooling(name, 4)
    tokens = packed(LENGTHS)
    hidden = torch.randn(len(tokens.input_ids), 4, generator=torch.Generator().manual_seed(0))
    pooled = pool(hidden, tokens)
    assert pooled.shape == (len(LENGTHS), 4)
    start = 0
    for row, length in enumerate(LENGTHS):
        alone = PackedTokens(tokens.input_ids[start : start + length], np.array([length]))
        torch.testing.assert_close(pool(hidden[start : start + length], alone)[0], pooled[row])
        start += length
    torch.testing.assert_close(pool(torch.ones_like(hidden), tokens), torch.ones(len(LENGTHS), 4))


@pytest.mark.parametrize("name", sorted({*POOLINGS.names()} - {*fixed_poolings()}))
def test_a_pooling_that_learns_begins_as_the_mean(name: str) -> None:
    """So that the probe's head fits it; its gradient then tells it which tokens to weigh."""
    pool = load_pooling(name, 4)
    tokens = packed(LENGTHS)
    hidden = torch.randn(len(tokens.input_ids), 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pool(hidden, tokens), load_pooling("mean", 4)(hidden, tokens))
    pool(hidden, tokens)[:, 0].sum().backward()
    assert all(parameter.grad.abs().min() > 0 for parameter in pool.parameters())
    with torch.no_grad():
        for parameter in pool.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    assert (pool(hidden, tokens) - load_pooling("mean", 4)(hidden, tokens)).abs().min() > 1e-4


@pytest.mark.parametrize("name", POOLINGS.names())
def test_a_pooling_carries_gradients(name: str) -> None:
    """Each sequence hands its gradient on to its own tokens, a whole share of it."""
    pool = load_pooling(name, 4)
    tokens = packed(LENGTHS)
    hidden = torch.randn(len(tokens.input_ids), 4, requires_grad=True)
    pool(hidden, tokens).sum().backward()
    assert hidden.grad is not None
    shares = torch.stack([part.sum(dim=0) for part in hidden.grad.split(LENGTHS)])
    torch.testing.assert_close(shares, torch.ones(len(LENGTHS), 4))


@pytest.mark.parametrize("name", POOLINGS.names())
def test_a_pooling_refuses_vectors_of_other_tokens(name: str) -> None:
    """A vector too many would shift every sequence behind it in silence."""
    pool = load_pooling(name, 4)
    with pytest.raises(ShapeError, match=r"\[15, 4\] for 14 tokens"):
        pool(torch.zeros(15, 4), packed(LENGTHS))


@pytest.mark.parametrize("name", POOLINGS.names())
def test_a_pooling_of_no_sequences_is_empty(name: str) -> None:
    """No sequence, no vector, no crash."""
    pool = load_pooling(name, 4)
    assert pool(torch.zeros(0, 4), PackedTokens(np.zeros(0, np.int32), np.zeros(0, np.int64))).shape == (0, 4)


@pytest.mark.parametrize("name", HEADS.names())
def test_a_head_scores_each_row_by_itself(name: str) -> None:
    """As many outputs as asked for, rows apart, and gradients for all it learns."""
    head = HEADS.member(name).build(4, 3, HEADS.options(name))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(0))
    features = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    scores = head.eval()(features)
    assert scores.shape == (5, 3)
    torch.testing.assert_close(head(features[2:3])[0], scores[2])
    scores.square().sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


@pytest.mark.parametrize("name", HEADS.names())
def test_a_new_head_finds_all_classes_equally_likely(name: str) -> None:
    """Before anything is learnt, the head must not prefer a class."""
    head = HEADS.member(name).build(4, 3, HEADS.options(name))
    scores = head.eval()(torch.randn(5, 4))
    torch.testing.assert_close(scores, scores[:, :1].expand(5, 3))
