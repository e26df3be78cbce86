"""The grouped engine's own promises: no mask, checked keys alone, layers in order, nothing fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.tiny_encoders import GROUPED, hf_model, packed, saved, tiny_config

from tunesmith.errors import ArtifactError
from tunesmith.models.adaptation import adapted
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import grouped, load_encoder
from tunesmith.models.methods import load_method


@pytest.mark.parametrize("model_type", GROUPED)
def test_the_module_is_run_once_a_length_without_a_mask(model_type: str, tmp_path: Path) -> None:
    """Sequences of one length share a pass, and nothing is padded."""
    folder = saved(hf_model(model_type), tmp_path)
    encoder = load_encoder(folder, read_encoder_config(folder))
    shapes = []

    def watch(module: torch.nn.Module, args: tuple[object, ...], inputs: dict[str, torch.Tensor]) -> None:
        assert set(inputs) == {"input_ids"}
        shapes.append(tuple(inputs["input_ids"].shape))

    encoder.module.register_forward_pre_hook(watch, with_kwargs=True)
    encoder(packed([2, 3, 3, 3, 7]))
    assert shapes == [(1, 2), (3, 3), (1, 7)]


@pytest.mark.parametrize(
    ("model_type", "n_layers"), [("mpnet", 2), ("deberta-v2", 2), ("modernbert", 3), ("albert", 1)]
)
def test_layers_are_sorted_by_height(model_type: str, n_layers: int) -> None:
    """Embeddings first, every parameter once; ALBERT's layers are one and the same."""
    model = hf_model(model_type)
    encoder = grouped.build(tiny_config(model_type), model.state_dict(), grouped.Options())
    groups = encoder.layer_groups()
    assert len(groups) == 1 + n_layers
    assert all(groups)
    names = {id(parameter): name for name, parameter in encoder.named_parameters()}
    assert sorted(names.values()) == sorted(names[id(parameter)] for group in groups for parameter in group)
    for height, group in enumerate(groups[1:]):
        assert any(f".{height}." in names[id(parameter)] for parameter in group)
    first = {names[id(parameter)].removeprefix("module.").split(".")[0] for parameter in groups[0]}
    assert "embeddings" in first
    assert not any(names[id(parameter)].startswith("module.embeddings") for group in groups[1:] for parameter in group)


@pytest.mark.parametrize(
    ("model_type", "changes", "part"),
    [("mpnet", {}, "layer.0"), ("deberta-v2", {}, "layer.0"), ("deberta-v2", {"conv_kernel_size": 3}, "conv")],
)
def test_what_is_declared_after_the_layers_may_lie_below_them(
    model_type: str, changes: dict[str, int], part: str
) -> None:
    """Where the top layer alone learns, what the lowest makes of the tokens stays as it was."""
    model = hf_model(model_type, **changes)
    base = grouped.build(tiny_config(model_type, **changes), model.state_dict(), grouped.Options())
    encoder = adapted(base, load_method("topk", {"layers": 1}), seed=0).encoder.eval()
    lowest = []
    encoder.module.encoder.get_submodule(part).register_forward_hook(lambda *seen: lowest.append(seen[-1]))
    encoder(packed([3, 3]))
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(1.0)
    encoder(packed([3, 3]))
    first, second = (found[0] if isinstance(found, tuple) else found for found in lowest)
    torch.testing.assert_close(first, second, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("model_type", ["mpnet", "deberta-v2", "modernbert"])
def test_layers_that_do_not_learn_drop_nothing_out(model_type: str) -> None:
    """Two passes of training see the same; with a layer that learns above, they differ."""
    model = hf_model(model_type, dropout=0.3)
    config = tiny_config(model_type)
    found = {}
    for n_layers in (0, 1):
        base = grouped.build(config, model.state_dict(), grouped.Options())
        base.set_dropout(0.3)
        encoder = adapted(base, load_method("topk", {"layers": n_layers}), seed=0).encoder.train()
        found[n_layers] = torch.equal(encoder(packed([3, 7])), encoder(packed([3, 7])))
    assert found == {0: True, 1: False}


def test_a_pooler_is_not_trained() -> None:
    """Nothing here uses it; weight decay must not touch it."""
    encoder = grouped.build(tiny_config("mpnet"), hf_model("mpnet").state_dict(), grouped.Options())
    assert {name for name, p in encoder.named_parameters() if not p.requires_grad} == {
        "module.pooler.dense.weight",
        "module.pooler.dense.bias",
    }


def test_transformers_sees_checked_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The config is built from what our schema let through, never from the file."""
    import transformers

    seen: dict[str, object] = {}
    build = transformers.AutoConfig.for_model

    def watched(model_type: str, **keys: object) -> object:
        seen.update(keys)
        return build(model_type, **keys)

    config = tiny_config("mpnet", _name_or_path="someone/else", id2label={"0": "x"})
    weights = hf_model("mpnet").state_dict()
    monkeypatch.setattr(transformers.AutoConfig, "for_model", watched)
    grouped.build(config, weights, grouped.Options())
    assert "hidden_size" in seen
    assert set(seen) == set(config.hf) - {"model_type"}


def test_an_architecture_that_transformers_cannot_build_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older transformers may not know it yet."""
    import transformers

    def unknown(model_type: str, **keys: object) -> object:
        raise ValueError(f"Unrecognized model identifier: {model_type}")

    monkeypatch.setattr(transformers.AutoConfig, "for_model", unknown)
    with pytest.raises(ArtifactError, match="Unrecognized model identifier: mpnet") as refused:
        grouped.build(tiny_config("mpnet"), {}, grouped.Options())
    assert refused.value.code == "config-unsupported"
