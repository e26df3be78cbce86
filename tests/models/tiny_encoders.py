"""Encoders of every architecture, tiny and random: configs as JSON, checkpoints written by transformers itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from tunesmith.models.encoder_config import EncoderConfig, parse_encoder_config
from tunesmith.types import JSON, PackedTokens

logging.set_verbosity_error()
logging.disable_progress_bar()

_LAYERS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
_SHAPES: dict[str, dict[str, JSON]] = {
    "albert": {**_LAYERS, "embedding_size": 16},
    "bert": _LAYERS,
    "camembert": _LAYERS,
    "deberta-v2": {
        **_LAYERS,
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "position_buckets": 8,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "electra": {**_LAYERS, "embedding_size": 16},
    "modernbert": {**_LAYERS, "num_hidden_layers": 3, "pad_token_id": 0, "local_attention": 8},
    "mpnet": _LAYERS,
    "roberta": _LAYERS,
    "xlm-roberta": _LAYERS,
}
_RATES = {
    "distilbert": ("dropout", "attention_dropout"),
    "modernbert": ("mlp_dropout", "embedding_dropout", "attention_dropout"),
}
FLAT = ("bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta")
GROUPED = ("albert", "deberta-v2", "modernbert", "mpnet")
N_WORDS, N_POSITIONS = 60, 24


def tiny_json(model_type: str, *, dropout: float = 0.1, **changes: JSON) -> dict[str, JSON]:
    """The config.json of a tiny encoder."""
    rates = _RATES.get(model_type, ("hidden_dropout_prob", "attention_probs_dropout_prob"))
    return {
        "model_type": model_type,
        "vocab_size": N_WORDS,
        "max_position_embeddings": N_POSITIONS,
        **_SHAPES[model_type],
        **dict.fromkeys(rates, dropout),
        **changes,
    }


def tiny_config(model_type: str, *, dropout: float = 0.1, **changes: JSON) -> EncoderConfig:
    """The shape of a tiny encoder."""
    return parse_encoder_config(tiny_json(model_type, dropout=dropout, **changes), where="tiny")


def hf_model(model_type: str, *, dropout: float = 0.1, seed: int = 0, **changes: JSON) -> torch.nn.Module:
    """A tiny random model of transformers, its weights far larger than real ones, so that every part matters."""
    keys = tiny_json(model_type, dropout=dropout, **changes)
    keys.pop("model_type")
    ids = {name: None for name in ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")}
    config = AutoConfig.for_model(model_type, **keys, **ids)
    model: torch.nn.Module = AutoModel.from_config(config, attn_implementation="eager")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(parameter + 0.3 * noise if parameter.ndim == 1 else 0.25 * noise)
    return model.eval()


def saved(model: torch.nn.Module, folder: Path) -> Path:
    """Let transformers write a model as it does."""
    model.save_pretrained(folder)
    return folder


def packed(lengths: list[int], *, seed: int = 0, types: bool = False) -> PackedTokens:
    """Random tokens, none of them special."""
    random = np.random.default_rng(seed)
    n_tokens = sum(lengths)
    return PackedTokens(
        random.integers(5, N_WORDS, n_tokens).astype(np.int32),
        np.array(sorted(lengths), dtype=np.int64),
        random.integers(0, 2, n_tokens).astype(np.uint8) if types else None,
    )


def padded_outputs(model: torch.nn.Module, tokens: PackedTokens, *, pad_token_id: int) -> torch.Tensor:
    """What transformers computes with padding and a mask, padding then left out, ``[T, H]``."""
    lengths = tokens.lengths.tolist()
    shape = (len(lengths), max(lengths))
    input_ids, mask, types = torch.full(shape, pad_token_id), torch.zeros(shape), torch.zeros(shape)
    starts = np.cumsum([0, *lengths])
    for row, (start, end) in enumerate(pairwise(starts)):
        place = (row, slice(0, end - start))
        input_ids[place] = torch.from_numpy(tokens.input_ids[start:end].astype(np.int64))
        mask[place] = 1
        if tokens.token_type_ids is not None:
            types[place] = torch.from_numpy(tokens.token_type_ids[start:end].astype(np.float32))
    inputs = {"input_ids": input_ids, "attention_mask": mask.long()}
    if tokens.token_type_ids is not None:
        inputs["token_type_ids"] = types.long()
    outputs = model(**inputs).last_hidden_state
    return torch.cat([outputs[row, :length] for row, length in enumerate(lengths)])
