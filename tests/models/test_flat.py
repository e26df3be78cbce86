"""The flat engine's own promises: dropout, freezing, layers, what it saves, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import hf_model, packed, saved, tiny_config

from tunesmith.errors import ShapeError
from tunesmith.models.dropout import Coins
from tunesmith.models.encoders import load_encoder
from tunesmith.models.encoders._attention import GroupedAttention
from tunesmith.models.encoders.flat import FlatEncoder, Layer
from tunesmith.types import PackedTokens


@pytest.fixture
def encoder() -> FlatEncoder:
    """A tiny random BERT."""
    torch.manual_seed(0)
    return FlatEncoder(tiny_config("bert"))


def test_a_seed_fixes_dropout(encoder: FlatEncoder) -> None:
    """Torch's generator is the only state: the same seed, the same step; the next step, another."""
    encoder.train()
    tokens = packed([3, 5, 5])
    torch.manual_seed(7)
    first, second = encoder(tokens), encoder(tokens)
    torch.manual_seed(7)
    assert torch.equal(encoder(tokens), first)
    assert not torch.allclose(second, first)


def test_evaluation_draws_nothing(encoder: FlatEncoder) -> None:
    """No dropout and no use of the generator in evaluation, with gradients or without."""
    encoder.eval()
    tokens = packed([3, 5])
    before = torch.get_rng_state()
    first = encoder(tokens)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(tokens), first, rtol=1e-5, atol=1e-6)
    assert torch.equal(encoder(tokens), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rate", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_each_rate_of_the_config_acts(rate: str) -> None:
    """With one of the two rates at zero, the other alone must still make training differ."""
    torch.manual_seed(0)
    encoder = FlatEncoder(tiny_config("bert", dropout=0.0, **{rate: 0.5})).train()
    tokens = packed([6, 6])
    assert not torch.allclose(encoder(tokens), encoder(tokens))


@pytest.mark.parametrize(
    ("model_type", "attention_rate", "drops"),
    [("bert", "attention_probs_dropout_prob", True), ("distilbert", "attention_dropout", False)],
)
def test_what_attention_gives_is_dropped_where_the_authors_did(
    model_type: str, attention_rate: str, drops: bool
) -> None:
    """With the feed-forward part silenced, two passes of a layer differ by that alone; DistilBERT never drops it."""
    torch.manual_seed(0)
    layer = Layer(tiny_config(model_type, dropout=0.5, **{attention_rate: 0.0})).train()
    with torch.no_grad():
        layer.shrink.weight.zero_()
        layer.shrink.bias.zero_()
    hidden, groups = torch.randn(12, 32), packed([5, 7]).groups()

    def worked(coins: Coins | None) -> torch.Tensor:
        return layer(hidden, GroupedAttention(groups, 4, rate=0.0, coins=coins), coins)

    first, second = (worked(Coins(torch.device("cpu"))) for _ in range(2))
    assert torch.equal(first, second) is not drops
    assert torch.equal(first, worked(None)) is not drops


@pytest.mark.parametrize(
    ("model_type", "attention_rate", "shrink", "drops"),
    [
        ("bert", "attention_probs_dropout_prob", "output.dense", True),
        ("distilbert", "attention_dropout", "ffn.lin2", False),
    ],
)
def test_transformers_drops_what_attention_gives_in_the_same_models(
    model_type: str, attention_rate: str, shrink: str, drops: bool
) -> None:
    """Its modules are the authors' own: the same experiment on them."""
    model = hf_model(model_type, dropout=0.5, **{attention_rate: 0.0}).train()
    model.get_submodule("embeddings.dropout").p = 0.0
    silenced = [part for name, part in model.named_modules() if name.endswith(shrink) and "attention" not in name]
    assert len(silenced) == 2
    with torch.no_grad():
        for part in silenced:
            part.weight.zero_()
            part.bias.zero_()
        first, second = (model(input_ids=torch.arange(5, 17).view(2, 6)).last_hidden_state for _ in range(2))
    assert torch.equal(first, second) is not drops


@pytest.mark.parametrize("model_type", ["roberta", "albert"])
def test_one_token_type_tells_nothing_apart(model_type: str, tmp_path: Path) -> None:
    """Some tokenizers give the second text of a pair a type of its own which the table of the encoder does not have."""
    config = tiny_config(model_type, type_vocab_size=1)
    folder = saved(hf_model(model_type, type_vocab_size=1), tmp_path)
    encoder = load_encoder(folder, config).eval()
    tokens = packed([3, 5, 5], types=True)
    assert tokens.token_type_ids is not None
    assert tokens.token_type_ids.any()
    torch.testing.assert_close(encoder(tokens), encoder(replace(tokens, token_type_ids=None)), rtol=0, atol=0)


def test_embeddings_drop_out_too() -> None:
    """BERT drops features of the normed embeddings; half of them at a rate of a half, the rest doubled."""
    torch.manual_seed(0)
    embeddings = FlatEncoder(tiny_config("bert", dropout=0.5)).embeddings
    tokens = packed([20])
    whole, dropped = embeddings(tokens, None), embeddings(tokens, Coins(torch.device("cpu")))
    kept = dropped != 0
    assert 0.4 < kept.float().mean().item() < 0.6
    torch.testing.assert_close(dropped[kept], 2 * whole[kept])


def test_dropout_leaves_the_mean_where_it_was() -> None:
    """Over many draws, the residual stream of one layer with dropout averages to the one without.

    Tolerance: 4,000 draws of a value whose deviation is about 0.2 leave the mean uncertain to 0.003; five times that.
    """
    torch.manual_seed(0)
    config = tiny_config("bert", num_hidden_layers=1, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.3)
    encoder = FlatEncoder(config)
    layer = encoder.layers[0]
    layer.attention_norm = torch.nn.Identity()
    layer.output_norm = torch.nn.Identity()
    layer.activation = torch.nn.Identity()
    one = packed([4])
    many = PackedTokens(np.tile(one.input_ids, 4000), np.full(4000, 4))
    with torch.no_grad():
        expected = encoder.eval()(one)
        mean = encoder.train()(many).view(4000, 4, -1).mean(dim=0)
    torch.testing.assert_close(mean, expected, rtol=0, atol=0.015)


def test_frozen_embeddings_get_no_gradient_and_change_none(encoder: FlatEncoder) -> None:
    """Below the first layer nothing is trained; above, gradients are what they were."""
    tokens = packed([3, 5])
    encoder.eval()(tokens).square().sum().backward()
    whole = {name: p.grad for name, p in encoder.named_parameters()}
    encoder.zero_grad(set_to_none=True)
    encoder.freeze(1)
    encoder(tokens).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        if name.startswith("embeddings."):
            assert not parameter.requires_grad
            assert parameter.grad is None
        else:
            torch.testing.assert_close(parameter.grad, whole[name])


def test_lower_layers_can_be_frozen(encoder: FlatEncoder) -> None:
    """Training only the top layers must work, dropout on, and leave the rest without gradients."""
    for group in encoder.layer_groups()[:-1]:
        for parameter in group:
            parameter.requires_grad_(False)
    encoder.train()(packed([3, 5])).square().sum().backward()
    trained = {name for name, p in encoder.named_parameters() if p.grad is not None}
    assert trained
    assert all(name.startswith("layers.1.") for name in trained)


def test_a_linear_can_be_replaced(encoder: FlatEncoder) -> None:
    """Adapters wrap linears by name; the layer must call what stands there, and gradients must reach it."""

    class Wrapped(torch.nn.Module):
        def __init__(self, inner: torch.nn.Linear) -> None:
            super().__init__()
            self.inner = inner
            self.extra = torch.nn.Parameter(torch.zeros(inner.out_features))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x) + self.extra

    tokens = packed([3, 5])
    before = encoder.eval()(tokens)
    for name in ("qkv", "attention_out", "grow", "shrink"):
        setattr(encoder.layers[0], name, Wrapped(getattr(encoder.layers[0], name)))
    after = encoder(tokens)
    torch.testing.assert_close(after, before)
    encoder.train()(tokens).square().sum().backward()
    assert all(getattr(encoder.layers[0], name).extra.grad.abs().sum() > 0 for name in ("qkv", "grow", "shrink"))


@pytest.mark.parametrize(("model_type", "room"), [("bert", 24), ("roberta", 22)])
def test_a_sequence_longer_than_the_positions_is_a_bug(model_type: str, room: int) -> None:
    """RoBERTa's offset takes two of its positions."""
    encoder = FlatEncoder(tiny_config(model_type))
    assert encoder(packed([room])).shape == (room, 32)
    with pytest.raises(ShapeError, match=f"{room + 1} tokens, but only {room} positions"):
        encoder(packed([room + 1]))


def test_neighbours_in_a_batch_do_not_matter(encoder: FlatEncoder) -> None:
    """A text alone and among others gets the same vectors."""
    encoder.eval()
    tokens = packed([2, 4, 4, 9])
    together = encoder(tokens)
    alone = encoder(PackedTokens(tokens.input_ids[6:10], np.array([4])))
    torch.testing.assert_close(together[6:10], alone, rtol=1e-5, atol=1e-6)


def test_a_run_never_imports_transformers(tmp_path: Path) -> None:
    """Four seconds and 377 MB at every prediction: config, weights and engine are ours."""
    folder = saved(hf_model("bert"), tmp_path)
    code = f"""
import json, sys
from pathlib import Path
import numpy as np
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.types import PackedTokens
folder = Path({str(folder)!r})
encoder = load_encoder(folder, read_encoder_config(folder))
encoder(PackedTokens(np.array([5, 6, 7], np.int32), np.array([3]))).sum().backward()
print(json.dumps(sorted(set(name.split(".")[0] for name in sys.modules))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "torch" in loaded
    assert not loaded & {"transformers", "sklearn", "matplotlib", "pandas", "pyarrow", "huggingface_hub"}
