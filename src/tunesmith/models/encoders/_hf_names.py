"""Our names of the weights and Hugging Face's; three of theirs for the fused queries, keys and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from tunesmith.models.encoder_config import EncoderConfig

_EMBEDDINGS = {
    "embeddings.word": ("embeddings.word_embeddings",),
    "embeddings.position": ("embeddings.position_embeddings",),
    "embeddings.token_type": ("embeddings.token_type_embeddings",),
    "embeddings.norm": ("embeddings.LayerNorm",),
    "embeddings.project": ("embeddings_project",),
}
_BERT = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention_out": ("attention.output.dense",),
    "attention_norm": ("attention.output.LayerNorm",),
    "grow": ("intermediate.dense",),
    "shrink": ("output.dense",),
    "output_norm": ("output.LayerNorm",),
}
_DISTILBERT = {
    "qkv": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    "attention_out": ("attention.out_lin",),
    "attention_norm": ("sa_layer_norm",),
    "grow": ("ffn.lin1",),
    "shrink": ("ffn.lin2",),
    "output_norm": ("output_layer_norm",),
}


def hf_modules(config: EncoderConfig) -> dict[str, tuple[str, ...]]:
    """Name of each module of a flat encoder to the Hugging Face modules it holds, in order."""
    distil = config.model_type == "distilbert"
    stack, layer = ("transformer.layer", _DISTILBERT) if distil else ("encoder.layer", _BERT)
    return _EMBEDDINGS | {
        f"layers.{number}.{ours}": tuple(f"{stack}.{number}.{name}" for name in theirs)
        for number in range(config.num_hidden_layers)
        for ours, theirs in layer.items()
    }


def from_hf(weights: Mapping[str, Tensor], wanted: Iterable[str], config: EncoderConfig) -> dict[str, Tensor]:
    """Gather a flat encoder's state, the wanted names of ours, from a checkpoint that holds all it takes."""
    modules = hf_modules(config)
    gathered = {}
    for name in wanted:
        parts = [weights[theirs] for theirs in _hf_names(name, modules)]
        gathered[name] = torch.cat(parts) if len(parts) > 1 else parts[0]
    return gathered


def to_hf(state: Mapping[str, Tensor], config: EncoderConfig) -> dict[str, Tensor]:
    """Spread a flat encoder's state over Hugging Face's names."""
    modules = hf_modules(config)
    spread: dict[str, Tensor] = {}
    for name, tensor in state.items():
        names = _hf_names(name, modules)
        spread |= zip(names, tensor.chunk(len(names)), strict=True)
    return spread


def _hf_names(name: str, modules: Mapping[str, tuple[str, ...]]) -> list[str]:
    module, _, kind = name.rpartition(".")
    return [f"{theirs}.{kind}" for theirs in modules[module]]
