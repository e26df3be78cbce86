"""Weights of a model folder: found under any of the names they were saved by, refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.tiny_encoders import hf_model, packed, saved, tiny_config
from torch import Tensor

from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import save_tensors
from tunesmith.models.checkpoint import bare_names, load_weights
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import flat, grouped, load_encoder

PREFIX = {
    "bert": "bert",
    "distilbert": "distilbert",
    "electra": "electra",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
}


def rewritten(folder: Path, weights: dict[str, Tensor]) -> Path:
    """The same folder with other weights."""
    save_tensors(folder / "model.safetensors", weights)
    return folder


@pytest.mark.parametrize("model_type", PREFIX)
def test_a_checkpoint_of_a_model_with_a_head_loads(model_type: str, tmp_path: Path) -> None:
    """Names under the encoder's prefix are its own; the head and the buffers of old versions are left out."""
    folder = saved(hf_model(model_type), tmp_path)
    config = read_encoder_config(folder)
    encoder = load_encoder(folder, config)
    weights = {f"{PREFIX[model_type]}.{name}": tensor for name, tensor in encoder.hf_state().items()}
    weights |= {
        "classifier.weight": torch.zeros(3, 32),
        f"{PREFIX[model_type]}.embeddings.position_ids": torch.zeros(1, 24),
    }
    again = load_encoder(rewritten(folder, weights), config)
    tokens = packed([2, 5])
    torch.testing.assert_close(again(tokens), encoder(tokens), rtol=0, atol=0)
    assert set(again.hf_state()) == set(encoder.hf_state())


@pytest.mark.parametrize("model_type", ["bert", "deberta-v2"])
def test_old_names_of_layer_norms_load(model_type: str, tmp_path: Path) -> None:
    """Checkpoints converted from TensorFlow say gamma and beta."""
    folder = saved(hf_model(model_type), tmp_path)
    config = read_encoder_config(folder)
    encoder = load_encoder(folder, config)
    old = {
        n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
        for n, t in encoder.hf_state().items()
    }
    assert any(name.endswith("gamma") for name in old)
    again = load_encoder(rewritten(folder, old), config)
    tokens = packed([2, 5])
    torch.testing.assert_close(again(tokens), encoder(tokens), rtol=0, atol=0)


def test_half_precision_is_widened(tmp_path: Path) -> None:
    """A checkpoint in bfloat16 is trained and run in float32."""
    folder = saved(hf_model("bert"), tmp_path)
    config = read_encoder_config(folder)
    state = {name: tensor.bfloat16() for name, tensor in load_encoder(folder, config).hf_state().items()}
    encoder = load_encoder(rewritten(folder, state), config)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert {tensor.dtype for tensor in encoder.hf_state().values()} == {torch.float32}


@pytest.mark.parametrize("model_type", ["bert", "deberta-v2"])
def test_a_missing_weight_is_named(model_type: str, tmp_path: Path) -> None:
    """A config of one model beside the weights of another must not give random layers."""
    folder = saved(hf_model(model_type), tmp_path)
    config = read_encoder_config(folder)
    state = load_encoder(folder, config).hf_state()
    gone = next(name for name in state if "layer.1" in name and "dense" in name)
    with pytest.raises(ArtifactError, match=gone) as refused:
        load_encoder(rewritten(folder, {n: t for n, t in state.items() if n != gone}), config)
    assert refused.value.code == "weights-missing"


@pytest.mark.parametrize(
    ("member", "model_type", "change"),
    [
        (flat, "bert", {"vocab_size": 61}),
        (flat, "electra", {"embedding_size": 8}),
        (grouped, "mpnet", {"vocab_size": 61}),
    ],
)
def test_a_weight_of_another_shape_is_named(
    member: object, model_type: str, change: dict[str, int], tmp_path: Path
) -> None:
    """Config and weights of two models are told by the first weight that differs."""
    weights = load_weights(saved(hf_model(model_type), tmp_path))
    with pytest.raises(ArtifactError, match=r"word_embeddings\.weight of shape") as refused:
        member.build(tiny_config(model_type, **change), weights, member.Options())
    assert refused.value.code == "weights-shape"


def test_a_huge_config_costs_no_memory(tmp_path: Path) -> None:
    """Shapes are compared before memory is taken: 4 million words of 65,536 numbers would be a terabyte."""
    weights = load_weights(saved(hf_model("bert"), tmp_path))
    huge = tiny_config("bert", vocab_size=4_194_304, hidden_size=65_536, intermediate_size=65_536)
    with pytest.raises(ArtifactError, match="allowed"):
        flat.build(huge, weights, flat.Options())


@pytest.mark.parametrize(
    ("present", "code"),
    [
        ("pytorch_model.bin", "pickle-refused"),
        ("model.safetensors.index.json", "weights-in-parts"),
        ("README.md", "artifact-missing"),
    ],
)
def test_a_folder_without_weights_we_read_says_why(present: str, code: str, tmp_path: Path) -> None:
    """Pickled or spread weights are named as what they are."""
    (tmp_path / present).write_text("")
    with pytest.raises(ArtifactError, match=str(tmp_path)) as refused:
        load_weights(tmp_path)
    assert refused.value.code == code


def test_names_of_a_bare_encoder_stay() -> None:
    """Without a prefix nothing is dropped."""
    one = torch.zeros(1)
    assert list(bare_names({"embeddings.word_embeddings.weight": one, "pooler.dense.bias": one})) == [
        "embeddings.word_embeddings.weight",
        "pooler.dense.bias",
    ]
