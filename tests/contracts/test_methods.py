"""Every method, enrolled by import, in every architecture: nothing at the start, and nothing lost after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.models.tiny_encoders import FLAT, GROUPED, hf_model, packed, padded_outputs, saved

from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.adaptation import adapted, learnt_tensors, load_learnt, n_frozen
from tunesmith.models.added import additions, merges
from tunesmith.models.checkpoint import load_weights
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import ENCODERS, grouped, load_encoder
from tunesmith.models.methods import METHODS, Allocator, Method

TOKENS = packed([2, 3, 3, 6])
UNFIT = {("bitfit", "modernbert"), ("adapter", "modernbert")}
"""Methods that have no place in an architecture as they are set unless asked."""


@dataclass(frozen=True)
class Trained:
    """A base, and a copy of it that a method trains."""

    name: str
    base: Encoder
    encoder: Encoder
    allocator: Allocator | None


@pytest.fixture(params=[*FLAT, *GROUPED])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Encoder:
    """A tiny encoder of each architecture, in evaluation mode."""
    folder = saved(hf_model(request.param), tmp_path)
    return load_encoder(folder, read_encoder_config(folder))


@pytest.fixture(params=METHODS.names())
def trained(request: pytest.FixtureRequest, base: Encoder) -> Trained:
    """Each method in each architecture that it has a place in."""
    if (request.param, base.config.model_type) in UNFIT:
        pytest.skip("refused, as another test sees")
    return copied(base, request.param)


def method_of(name: str, **options: object) -> Method:
    """A method with its usual options but for those given."""
    member = METHODS.member(name)
    built: Method = member.build(METHODS.options(name, options))
    return built


def copied(base: Encoder, name: str, *, seed: int = 0, **options: object) -> Trained:
    """A copy for a method to train."""
    copy = adapted(base, method_of(name, **options), seed=seed)
    return Trained(name, base, copy.encoder, copy.allocator)


def moved(encoder: Encoder) -> Encoder:
    """The same encoder, all that learns in it changed far from where it began."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(0.2 * noise if not name.endswith("down.bias") else 2.0)  # no narrow layer is all zeros
    return encoder


def test_it_begins_as_if_nothing_were_there(trained: Trained) -> None:
    """To the last bit: the start that the probe has found is kept."""
    assert torch.equal(trained.encoder(TOKENS), trained.base(TOKENS))


def test_something_learns_and_the_rest_is_the_base_s_own(trained: Trained) -> None:
    """In the same memory; training moves the copy alone."""
    before = {name: tensor.clone() for name, tensor in trained.base.state_dict().items()}
    at_first = trained.encoder(TOKENS)
    of_base = {parameter.data_ptr() for parameter in trained.base.parameters()}
    for name, parameter in trained.encoder.named_parameters():
        assert (parameter.data_ptr() in of_base) is not parameter.requires_grad, name
    assert not torch.allclose(moved(trained.encoder)(TOKENS), at_first, atol=1e-3)
    for name, tensor in trained.base.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_every_learnt_weight_gets_a_gradient(trained: Trained) -> None:
    """Once it has moved: at the start one factor of a product hides the other."""
    encoder = moved(trained.encoder)
    encoder(TOKENS).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert (parameter.grad is not None) is parameter.requires_grad, name
        if parameter.grad is not None:
            assert parameter.grad.abs().sum() > 0.0, name


def test_merged_weights_do_the_same_alone(trained: Trained) -> None:
    """What transformers reads from them too; where no weight can, that is told."""
    encoder = moved(trained.encoder)
    if not merges(encoder):
        assert trained.name == "adapter"
        return
    state, config = encoder.hf_state(), encoder.config
    assert not any(tensor.requires_grad for tensor in state.values())
    assert state.keys() == trained.base.hf_state().keys()
    member = ENCODERS.member("flat" if config.is_flat else "grouped")
    alone = member.build(config, state, member.Options()).eval()
    torch.testing.assert_close(alone(TOKENS), encoder(TOKENS), rtol=1e-4, atol=1e-4)


def test_both_engines_do_the_same(trained: Trained) -> None:
    """The flat one and the module of transformers, what was learnt carried over by its names."""
    encoder, config = moved(trained.encoder), trained.base.config
    if not config.is_flat:
        pytest.skip("the flat engine does not run it")
    module = grouped.build(config, trained.base.hf_state(), grouped.Options()).eval()
    other = copied(module, trained.name, seed=9).encoder
    load_learnt(other, learnt_tensors(encoder), where="memory")
    torch.testing.assert_close(other(TOKENS), encoder(TOKENS), rtol=1e-4, atol=1e-4)


def test_what_was_learnt_is_all_that_is_needed(trained: Trained, tmp_path: Path) -> None:
    """Written to a file and read into another copy: the same outputs to the last bit."""
    encoder = moved(trained.encoder)
    save_tensors(tmp_path / "learnt.safetensors", learnt_tensors(encoder))
    other = copied(trained.base, trained.name, seed=9).encoder
    assert not torch.equal(other(TOKENS), encoder(TOKENS))
    load_learnt(other, load_tensors(tmp_path / "learnt.safetensors"), where="learnt.safetensors")
    assert torch.equal(other(TOKENS), encoder(TOKENS))


def test_what_another_method_has_learnt_is_refused(trained: Trained) -> None:
    """By the name of a weight that does not fit; nothing is changed."""
    encoder = trained.encoder
    before = encoder(TOKENS)
    learnt = learnt_tensors(moved(copied(trained.base, trained.name).encoder))
    name = sorted(learnt)[-1]
    for spoilt in (
        {key: tensor for key, tensor in learnt.items() if key != name},
        learnt | {name: learnt[name][:-1]},
        learnt | {"zzz": learnt[name]},
    ):
        with pytest.raises(ArtifactError, match="does not fit the base model and the method"):
            load_learnt(encoder, spoilt, where="learnt.safetensors")
    assert torch.equal(encoder(TOKENS), before)


def test_a_seed_fixes_what_is_drawn(trained: Trained) -> None:
    """And another draws otherwise, where anything is drawn."""
    first, again, other = (learnt_tensors(copied(trained.base, trained.name, seed=s).encoder) for s in (0, 0, 1))
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())
    draws = any(True for _ in additions(trained.encoder))
    assert all(torch.equal(tensor, other[name]) for name, tensor in first.items()) is not draws


def test_what_lies_beside_the_base_is_small(trained: Trained) -> None:
    """Of those that say so: nothing of the base but its biases learns, and no more than they and what was put in."""
    if not METHODS.member(trained.name).LEAVES_BASE:
        pytest.skip("it trains the base itself")
    of_base = {
        name: tensor for name, tensor in trained.base.hf_state().items() if name in learnt_tensors(trained.encoder)
    }
    assert all(name.endswith("bias") for name in of_base)


def test_layers_are_still_told_apart_by_height(trained: Trained) -> None:
    """What was put in belongs to its layer, so that rates by layer and freezing hold for it."""
    groups = trained.encoder.layer_groups()
    assert len(groups) == len(trained.base.layer_groups())
    listed = {id(parameter) for group in groups for parameter in group}
    assert {id(parameter) for parameter in trained.encoder.parameters() if parameter.requires_grad} <= listed
    assert n_frozen(trained.encoder) == trained.encoder.n_frozen >= 1


@pytest.mark.parametrize(("name", "model_type"), sorted(UNFIT))
def test_a_method_without_a_place_says_so(name: str, model_type: str, tmp_path: Path) -> None:
    """Which architecture, what it lacks, and what would do."""
    folder = saved(hf_model(model_type), tmp_path)
    with pytest.raises(ConfigError, match=f"the method {name} has no place in a {model_type}") as caught:
        copied(load_encoder(folder, read_encoder_config(folder)), name)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lora", {"target_modules": "query_value"}),
        ("lora", {"target_modules": "attention", "rank": 2}),
        ("adalora", {"target_modules": "attention"}),
        ("adapter", {"placement": "houlsby", "reduction": 8}),
        ("full", {"embeddings": "trained"}),
        ("topk", {"layers": 1}),
        ("topk", {"layers": 0}),
    ],
)
def test_options_change_what_learns(base: Encoder, name: str, options: dict[str, object]) -> None:
    """And neither the start nor that merged weights do the same."""
    if (name, options.get("target_modules"), base.config.model_type) == ("lora", "query_value", "modernbert"):
        with pytest.raises(ConfigError, match="queries and values in one map with the keys"):
            copied(base, name, **options)
        return
    encoder = copied(base, name, **options).encoder
    assert torch.equal(encoder(TOKENS), base(TOKENS))
    usual = set() if (name, base.config.model_type) in UNFIT else set(learnt_tensors(copied(base, name).encoder))
    if (name, base.config.model_type) != ("topk", "albert"):  # all its layers have the weights of one
        assert set(learnt_tensors(encoder)) != usual
    moved(encoder)
    if merges(encoder):
        member = ENCODERS.member("flat" if base.config.is_flat else "grouped")
        alone = member.build(base.config, encoder.hf_state(), member.Options()).eval()
        torch.testing.assert_close(alone(TOKENS), encoder(TOKENS), rtol=1e-4, atol=1e-4)


def test_gradients_are_those_of_the_padded_computation(tmp_path: Path) -> None:
    """Of LoRA in the flat engine and of the same beside the maps of transformers' own model."""
    folder = saved(hf_model("bert", dropout=0.0), tmp_path)
    base = load_encoder(folder, read_encoder_config(folder))
    encoder = moved(copied(base, "lora").encoder)
    theirs = moved(copied(grouped.build(base.config, load_weights(folder), grouped.Options()).eval(), "lora").encoder)
    load_learnt(theirs, learnt_tensors(encoder), where="memory")
    assert isinstance(theirs, grouped.GroupedEncoder)
    encoder(TOKENS).square().sum().backward()
    padded_outputs(theirs.module, TOKENS, pad_token_id=0).square().sum().backward()
    mine, other = ({n: p.grad for _, a in additions(e) for n, p in a.tensors().items()} for e in (encoder, theirs))
    for name, gradient in mine.items():
        torch.testing.assert_close(gradient, other[name], rtol=1e-3, atol=1e-3)
