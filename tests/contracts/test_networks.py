"""Every network trained from scratch, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import packed

from tunesmith.config import Settings
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.networks import NETWORKS
from tunesmith.models.pairings import load_pairing
from tunesmith.models.poolings import POOLINGS
from tunesmith.models.word_network import NetworkShape, WordNetwork, fresh_network, rows_of_tokens
from tunesmith.types import PackedTokens

LENGTHS = [2, 3, 3, 6]
VOCABULARY = 60
SIZES = {"cnn": {"filters": 6}, "transformer": {"hidden_size": 12, "intermediate_size": 16}}
"""Tiny options of each; those of a kind that is not named here are tiny with ``hidden_size``."""

every_network = pytest.mark.parametrize("name", NETWORKS.names())


def shape_of(name: str, row_of: np.ndarray, *, word_size: int = 8) -> NetworkShape:
    """A tiny network."""
    options = SIZES.get(name, {"hidden_size": 6})
    rows = int(row_of.max()) + 1
    return NetworkShape(
        network=name, options=options, embedding_size=8, word_size=word_size, rows=rows, vocab_size=len(row_of)
    )


def network_of(name: str, *, seed: int = 0, unread: float = 0.0) -> WordNetwork:
    """A tiny network that knows the tokens of ``packed(LENGTHS)``, in evaluation mode."""
    row_of = rows_of_tokens(packed(LENGTHS).input_ids, VOCABULARY)
    generator = torch.Generator().manual_seed(seed)
    network = fresh_network(shape_of(name, row_of), row_of, generator, unread=unread)
    return network.eval()


@every_network
def test_members_are_found_without_a_list(name: str) -> None:
    """Options that are valid as they are, a pooling that there is, and rates that can be trained and foreseen with."""
    member = NETWORKS.member(name)
    assert member.Options() == NETWORKS.options(name)
    assert issubclass(member.Options, Settings)
    assert member.POOLING in POOLINGS.names()
    assert 0.0 < member.LEARNING_RATE < 0.1
    assert 0.0 < member.SHARE_OF_MATMUL_RATE <= 1.0


def test_an_unknown_network_is_told_with_the_nearest() -> None:
    """A misspelt one names the one that was most likely meant."""
    with pytest.raises(ConfigError, match="lstm"):
        NETWORKS.member("lstmx")


def test_heads_that_do_not_share_the_width_are_refused() -> None:
    """Told by the option that is wrong, whatever the width is that it was meant for."""
    with pytest.raises(ConfigError, match=r"num_attention_heads = 3.*hidden_size of 16"):
        NETWORKS.options("transformer", {"hidden_size": 16, "num_attention_heads": 3})


@every_network
def test_a_network_gives_a_vector_a_token(name: str) -> None:
    """Width as it says, in the order of the tokens; a text's vectors are the same whatever lies beside it."""
    network, tokens = network_of(name), packed(LENGTHS)
    hidden = network(tokens)
    assert hidden.shape == (sum(LENGTHS), network.hidden_size)
    assert hidden.dtype == torch.float32
    swapped = PackedTokens(np.concatenate([tokens.input_ids[5:8], tokens.input_ids[2:5]]), np.array([3, 3]))
    torch.testing.assert_close(network(swapped), torch.cat([hidden[5:8], hidden[2:5]]), rtol=1e-5, atol=1e-5)


@every_network
def test_a_network_reads_words_in_their_order(name: str) -> None:
    """The same words the other way round are another text, of another vector whatever pools them."""
    network = network_of(name)
    ids = packed([6]).input_ids
    forwards, backwards = (network(PackedTokens(each, np.array([6]))) for each in (ids, ids[::-1].copy()))
    assert (forwards.mean(dim=0) - backwards.mean(dim=0)).abs().max() > 1e-3


@every_network
def test_tokens_that_no_train_row_has_are_one_unknown_word(name: str) -> None:
    """Alike among themselves, and unlike one that was seen; a token beyond the vocabulary is refused."""
    network, tokens = network_of(name), packed(LENGTHS)
    unseen = np.setdiff1d(np.arange(VOCABULARY), tokens.input_ids).astype(np.int32)
    one, other, seen = (
        network(PackedTokens(np.array(ids, np.int32), np.array([2])))
        for ids in (unseen[:2], unseen[2:4], [unseen[0], tokens.input_ids[0]])
    )
    assert torch.equal(one, other)
    assert (one - seen).abs().max() > 1e-4
    with pytest.raises(ArtifactError, match=f"token {VOCABULARY}"):
        network(PackedTokens(np.array([VOCABULARY], np.int32), np.array([1])))


@every_network
def test_a_network_comes_back_from_its_tensors(name: str, tmp_path: Path) -> None:
    """Shape and tensors, the rows of the tokens among them, give exactly the same outputs."""
    network, tokens = network_of(name), packed(LENGTHS)
    save_tensors(tmp_path / "model.safetensors", network.state_dict())
    with torch.device("meta"):
        again = WordNetwork(network.shape)
    again.load_state_dict(load_tensors(tmp_path / "model.safetensors"), assign=True)
    assert torch.equal(again.eval()(tokens), network(tokens))


@every_network
def test_first_weights_are_those_of_their_seed(name: str) -> None:
    """The same again whatever torch drew before, others of another seed, and none left as memory had it."""
    torch.manual_seed(5)
    one = network_of(name, seed=1).state_dict()
    torch.manual_seed(6)
    same, other = network_of(name, seed=1).state_dict(), network_of(name, seed=2).state_dict()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    assert all(tensor.abs().max() < 10.0 for key, tensor in one.items() if key != "words.row_of")


@every_network
def test_a_network_s_groups_hold_every_parameter_once(name: str) -> None:
    """The words, then the body."""
    network = network_of(name)
    groups = network.layer_groups()
    assert [id(part) for part in groups[0]] == [id(network.words.table)]
    listed = [id(parameter) for group in groups for parameter in group]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(parameter) for parameter in network.parameters()}


@every_network
def test_a_network_trains(name: str) -> None:
    """One step moves every parameter; of the table the rows that were read, the unknown word's among them."""
    network = network_of(name, unread=0.5)
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    network.train()
    torch.manual_seed(0)
    tokens = packed(LENGTHS)
    weights = torch.randn(sum(LENGTHS), network.hidden_size, generator=torch.Generator().manual_seed(0))
    (network(tokens) * weights).sum().backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    for key, value in network.named_parameters():
        assert not torch.equal(value, before[key]), key
    assert not torch.equal(network.words.table[0], before["words.table"][0])


@every_network
def test_a_network_drops_out_only_in_training(name: str) -> None:
    """Evaluation repeats itself, training does not, but from the same state of torch's generator."""
    network, tokens = network_of(name, unread=0.2), packed(LENGTHS)
    assert torch.equal(network(tokens), network(tokens))
    network.train()
    torch.manual_seed(0)
    one, other = network(tokens), network(tokens)
    torch.manual_seed(0)
    assert torch.equal(network(tokens), one)
    assert not torch.equal(other, one)


@every_network
def test_what_is_dropped_of_a_text_is_dropped_of_all_its_tokens(name: str) -> None:
    """So that the largest value lacks it just as the mean does: it is the text's vector that loses features."""
    member = NETWORKS.member(name)
    still = {key: 0.0 for key in member.Options.model_fields if key.endswith("dropout")}
    body = member.build(NETWORKS.options(name, {**SIZES.get(name, {"hidden_size": 6}), **still, "dropout": 0.5}), 8)
    network = network_of(name)
    network.body = body
    body.start(torch.Generator().manual_seed(0))
    tokens = packed([4, 7])
    whole = network.eval()(tokens)
    torch.manual_seed(0)
    for kept, full in zip(network.train()(tokens).split([4, 7]), whole.split([4, 7]), strict=True):
        share = (kept / full)[:, (full.abs() > 1e-6).all(dim=0)]
        torch.testing.assert_close(share, share[:1].expand_as(share), rtol=1e-4, atol=1e-4)
        assert set(share[0].detach().round(decimals=2).tolist()) <= {0.0, 2.0}


@every_network
@pytest.mark.parametrize("pooling", POOLINGS.names())
@pytest.mark.parametrize("pairing", [None, "symmetric"])
def test_a_network_stands_under_every_pooling_and_pairing(name: str, pooling: str, pairing: str | None) -> None:
    """A row's answer depends on its own texts; gradients reach the words."""
    network = network_of(name)
    n_sides = 1 if pairing is None else 2
    width = network.hidden_size if pairing is None else load_pairing(pairing).width(network.hidden_size)
    head = LinearHead(width, 3)
    with torch.no_grad():
        head.weight.normal_(generator=torch.Generator().manual_seed(0))
    classifier = EncoderClassifier(network, pooling, head, unit_length=False, pairing=pairing).eval()
    tokens, texts = packed(LENGTHS), np.arange(len(LENGTHS))
    logits = classifier(tokens, texts, len(LENGTHS))
    assert logits.shape == (len(LENGTHS) // n_sides, 3)
    first = PackedTokens(tokens.input_ids[: 5 if n_sides == 2 else 2], tokens.lengths[:n_sides])
    torch.testing.assert_close(classifier(first, texts[:n_sides], n_sides), logits[:1], rtol=1e-5, atol=1e-5)
    logits.sum().backward()
    assert network.words.table.grad is not None
    assert network.words.table.grad.abs().max() > 0.0


@every_network
def test_words_may_begin_as_those_of_a_base_model(name: str) -> None:
    """Each row as the base has the token, projected where widths differ; the unknown word as the mean of the others."""
    tokens = packed(LENGTHS)
    row_of = rows_of_tokens(tokens.input_ids, VOCABULARY)
    vectors = torch.randn(VOCABULARY, 12, generator=torch.Generator().manual_seed(0))
    shape = shape_of(name, row_of, word_size=12)
    network = fresh_network(shape, row_of, torch.Generator().manual_seed(0), unread=0.0, vectors=vectors)
    for token in np.unique(tokens.input_ids).tolist():
        assert torch.equal(network.words.table[row_of[token]], vectors[token])
    torch.testing.assert_close(network.words.table[0], vectors[row_of == 0].mean(dim=0))
    assert network.words.project is not None
    assert network.eval()(tokens).shape == (sum(LENGTHS), network.hidden_size)
    lengths = tokens.lengths
    assert network.forward_flops(lengths) == network.body.forward_flops(lengths) + 2 * sum(LENGTHS) * 12 * 8
