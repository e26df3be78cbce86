"""Our model in the shape of a ``...ForSequenceClassification`` of transformers, exactly where that can be.

These classes read one token, the first, through a dense layer with an activation and a linear layer. Ours averages all
tokens, scales the average to length 1 and scores it. Both are the same function with one more layer on top:

* Queries and keys of that layer are 0, so each token attends to all tokens alike: attention is the average of the
  values, which are the tokens themselves. The output is multiplied by 2^24, so that of the token it is added to nothing
  is left in float32.
* LayerNorm then takes away the mean over the features and scales to one length. The scaling is the one we want. The
  mean over the features must hold nothing: the last LayerNorm below made every token ``gain * z + shift`` with ``z`` of
  mean 0, so along ``1 / gain`` all tokens have one and the same value; a reflection turns that direction into the mean.
* The feed-forward half is 0.
* The activation of the head is passed where it is straight: tanh near 0, GELU and ReLU far above 0.

ModernBERT's class averages by itself and has a LayerNorm in its head, so it needs no layer. The temperature is folded
into the last weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.export.reading import hf_config
from tunesmith.export.source import Model
from tunesmith.models.architectures import ARCHITECTURES
from tunesmith.models.encoder import pretrained
from tunesmith.types import JSON

Array: TypeAlias = NDArray[np.float64]

_LOUD = 2.0**24
_SMALL = 2.0**-14
_STRAIGHT = 8.0
"""From here on GELU is the identity in float32."""


@dataclass(frozen=True)
class Shape:
    """How transformers names the parts of one architecture."""

    name: str
    """Class that classifies."""
    prefix: str
    """Before the names of the encoder's weights."""
    dense: str
    out: str
    activation: str
    """tanh, gelu, relu or linear."""
    layer: Mapping[str, str] | None = None
    """A layer's parts; None where none is added."""
    settings: Mapping[str, JSON] = field(default_factory=dict)
    """Keys of the config that make the head what we take it for."""
    norm: str | None = None
    """LayerNorm behind the activation."""


_BERT = {
    "at": "encoder.layer.{}",
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "gather": "attention.output.dense",
    "gather_norm": "attention.output.LayerNorm",
    "grow": "intermediate.dense",
    "shrink": "output.dense",
    "norm": "output.LayerNorm",
}
_DISTILBERT = {
    "at": "transformer.layer.{}",
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "gather": "attention.out_lin",
    "gather_norm": "sa_layer_norm",
    "grow": "ffn.lin1",
    "shrink": "ffn.lin2",
    "norm": "output_layer_norm",
}
_DEBERTA = _BERT | {name: f"attention.self.{name}_proj" for name in ("query", "key", "value")}
_MPNET = _BERT | {
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "gather": "attention.attn.o",
    "gather_norm": "attention.LayerNorm",
}
_ALBERT = {
    "at": "encoder.albert_layer_groups.{}.albert_layers.0",
    "query": "attention.query",
    "key": "attention.key",
    "value": "attention.value",
    "gather": "attention.dense",
    "gather_norm": "attention.LayerNorm",
    "grow": "ffn",
    "shrink": "ffn_output",
    "norm": "full_layer_layer_norm",
}
_SPLIT = ("classifier.dense", "classifier.out_proj")

SHAPES: dict[str, Shape] = {
    "albert": Shape("AlbertForSequenceClassification", "albert.", "albert.pooler", "classifier", "tanh", _ALBERT),
    "bert": Shape("BertForSequenceClassification", "bert.", "bert.pooler.dense", "classifier", "tanh", _BERT),
    "camembert": Shape("CamembertForSequenceClassification", "roberta.", *_SPLIT, "tanh", _BERT),
    "deberta-v2": Shape(
        "DebertaV2ForSequenceClassification",
        "deberta.",
        "pooler.dense",
        "classifier",
        "linear",
        _DEBERTA,
        settings={"pooler_hidden_act": "linear"},
    ),
    "distilbert": Shape(
        "DistilBertForSequenceClassification", "distilbert.", "pre_classifier", "classifier", "relu", _DISTILBERT
    ),
    "electra": Shape("ElectraForSequenceClassification", "electra.", *_SPLIT, "gelu", _BERT),
    "modernbert": Shape(
        "ModernBertForSequenceClassification",
        "model.",
        "head.dense",
        "classifier",
        "linear",
        settings={"classifier_activation": "linear", "classifier_bias": False, "norm_bias": False},
        norm="head.norm",
    ),
    "mpnet": Shape("MPNetForSequenceClassification", "mpnet.", *_SPLIT, "tanh", _MPNET),
    "roberta": Shape("RobertaForSequenceClassification", "roberta.", *_SPLIT, "tanh", _BERT),
    "xlm-roberta": Shape("XLMRobertaForSequenceClassification", "roberta.", *_SPLIT, "tanh", _BERT),
}
"""``model_type`` to its class."""


@dataclass(frozen=True)
class Head:
    """The dense layer and the linear one: ``[H, H]``, ``[H]``, ``[C, H]``, ``[C]``."""

    dense: Array
    dense_bias: Array
    out: Array
    out_bias: Array


@dataclass(frozen=True)
class Stock:
    """A checkpoint of transformers, ready to be written."""

    config: dict[str, JSON]
    encoder: dict[str, Tensor]
    """Weights of the encoder, with the prefix."""
    shape: Shape
    head: Head
    added_layer: bool

    @property
    def may_be_exact(self) -> bool:
        """Whether a mean pooling comes out as one: MPNet's attention looks at places too, whatever the weights."""
        return bool(self.config["model_type"] != "mpnet")

    def state(self) -> dict[str, Tensor]:
        """Give all weights.

        Returns:
            Name to tensor, float32.
        """
        used, shape = self.head, self.shape
        parts = {
            f"{shape.dense}.weight": used.dense,
            f"{shape.dense}.bias": used.dense_bias,
            f"{shape.out}.weight": used.out,
            f"{shape.out}.bias": used.out_bias,
        }
        if shape.norm is not None:
            del parts[f"{shape.dense}.bias"]
            parts[f"{shape.norm}.weight"] = np.ones(len(used.dense))
        return self.encoder | {name: torch.from_numpy(values).float().contiguous() for name, values in parts.items()}


def stock_of(model: Model, vectors: Array) -> Stock:
    """Put a model into the class of its architecture.

    Args:
        model: The exported one.
        vectors: Pooled vectors of some texts, not scaled, ``[B, H]``: how long they are in the mean is folded into the
            head where the scaling leaves a constant over.

    Returns:
        The checkpoint; exact where the pooling is ``mean``, or ``cls`` without scaling to length 1, and the layer that
        is added can average.
    """
    shape, pooling = SHAPES[model.config.model_type], model.encoder.pooling
    state = {
        f"{shape.prefix}{name}": tensor.detach().clone()
        for name, tensor in pretrained(model.encoder.classifier.encoder).hf_state().items()
        if not name.startswith("pooler.")
    }
    config = hf_config(model, shape.name) | dict(shape.settings)
    adds = shape.layer is not None and pooling != "cls"
    scales = adds or shape.norm is not None
    if shape.norm is not None:
        config["classifier_pooling"] = "cls" if pooling == "cls" else "mean"
    if "pooler_hidden_act" in shape.settings:
        config["pooler_hidden_size"] = model.config.hidden_size
    mirror = mirror_of(_gain(state, model, shape))
    if adds:
        config |= _more_layers(state, model, shape)
        state |= _averaging_layer(model, shape, mirror)
    weight, bias = _scorer(model, vectors, mirror, scales=scales)
    widest = _widest(state, model, shape, scales=scales)
    head = _head(shape, weight, bias, mirror=mirror if scales else None, widest=widest)
    return Stock(config=config, encoder=state, shape=shape, head=head, added_layer=adds)


def mirror_of(direction: Array) -> Array:
    """Make the reflection that turns a direction into the one of equal features.

    Args:
        direction: Of length 1, ``[H]``.

    Returns:
        ``[H, H]``, its own inverse.

    Example:
        >>> mirror_of(np.array([1.0, 0.0])).round(3)
        array([[ 0.707,  0.707],
               [ 0.707, -0.707]])

    Source: Householder 1958.
    """
    width = len(direction)
    across = direction - np.full(width, width**-0.5)
    length = float(across @ across)
    return np.eye(width) - (2.0 / length) * np.outer(across, across) if length > 1e-12 else np.eye(width)


def _gain(state: Mapping[str, Tensor], model: Model, shape: Shape) -> Array:
    """The direction, of length 1, along which the last LayerNorm leaves all tokens alike."""
    name = f"{shape.prefix}{_last_norm(model, shape)}.weight"
    gain = state[name].double().numpy()
    direction = 1.0 / np.where(np.abs(gain) < 1e-12, 1e-12, gain)
    found: Array = direction / np.linalg.norm(direction)
    return found


def _last_norm(model: Model, shape: Shape) -> str:
    if shape.layer is None:
        return "final_norm"
    is_grouped = model.config.model_type == "albert"
    last = _n_groups(model) - 1 if is_grouped else model.config.num_hidden_layers - 1
    return f"{shape.layer['at'].format(last)}.{shape.layer['norm']}"


def _more_layers(state: dict[str, Tensor], model: Model, shape: Shape) -> dict[str, JSON]:
    """Make room for a layer; ALBERT's, which share their weights, get weights of their own first."""
    n_layers = model.config.num_hidden_layers
    key = ARCHITECTURES[model.config.model_type].names.get("num_hidden_layers", "num_hidden_layers")
    if model.config.model_type != "albert":
        return {key: n_layers + 1}
    n_groups = _n_groups(model)
    stack = f"{shape.prefix}encoder.albert_layer_groups."
    shared = {name: state.pop(name) for name in list(state) if name.startswith(stack)}
    for layer in range(n_layers):
        group = f"{stack}{int(layer / (n_layers / n_groups))}."
        copies = {name: tensor for name, tensor in shared.items() if name.startswith(group)}
        state |= {f"{stack}{layer}.{name.removeprefix(group)}": tensor.clone() for name, tensor in copies.items()}
    return {key: n_layers + 1, "num_hidden_groups": n_layers + 1}


def _n_groups(model: Model) -> int:
    """ALBERT's sets of weights, each for as many layers."""
    return int(model.config.hf.get("num_hidden_groups", 1))


def _averaging_layer(model: Model, shape: Shape, mirror: Array) -> dict[str, Tensor]:
    """Weights of a layer that gives every token the mirrored average, without its mean, scaled to one length."""
    assert shape.layer is not None, "the caller looked"
    width, inner = model.config.hidden_size, model.config.intermediate_size
    at = f"{shape.prefix}{shape.layer['at'].format(model.config.num_hidden_layers)}"
    loud = torch.from_numpy(_LOUD * mirror).float()
    weights = {
        "query": torch.zeros(width, width),
        "key": torch.zeros(width, width),
        "value": torch.eye(width),
        "gather": loud,
        "gather_norm": torch.ones(width),
        "grow": torch.zeros(inner, width),
        "shrink": torch.zeros(width, inner),
        "norm": torch.ones(width),
    }
    made = {}
    for part, weight in weights.items():
        made[f"{at}.{shape.layer[part]}.weight"] = weight
        made[f"{at}.{shape.layer[part]}.bias"] = torch.zeros(len(weight))
    return made


def _scorer(model: Model, vectors: Array, mirror: Array, *, scales: bool) -> tuple[Array, Array]:
    """The linear function that takes what the last LayerNorm gives, unmirrored, to our logits: ``[C, H]``, ``[C]``."""
    weight, bias = model.head
    width = vectors.shape[1]
    lengths = np.linalg.norm(vectors, axis=1) if model.encoder.unit_length else np.ones(len(vectors))
    if not scales:
        return weight * float((1.0 / lengths).mean()), bias
    lost = mirror @ np.full(width, width**-0.5)  # the direction that LayerNorm takes away
    along = vectors @ lost
    left = np.sqrt(np.maximum((vectors**2).sum(axis=1) - along**2, 0.0))
    return weight * float((left / lengths).mean()) / width**0.5, bias + weight @ lost * float((along / lengths).mean())


def _widest(state: Mapping[str, Tensor], model: Model, shape: Shape, *, scales: bool) -> float:
    """How large a feature can be at most where the head begins."""
    widest: float = model.config.hidden_size**0.5
    if not scales:
        norm = f"{shape.prefix}{_last_norm(model, shape)}"
        gain, shift = (float(state[f"{norm}.{part}"].abs().max()) for part in ("weight", "bias"))
        widest = gain * widest + shift
    return widest


def _head(shape: Shape, weight: Array, bias: Array, *, mirror: Array | None, widest: float) -> Head:
    """Pass the features, mirrored where there is a mirror, straight through the activation, then score them."""
    width = weight.shape[1]
    straight, none = np.eye(width), np.zeros(width)
    weight = weight if mirror is None else weight @ mirror
    if shape.norm is not None:  # the dense layer does what the layer that is added does elsewhere
        assert mirror is not None, "LayerNorm takes a direction away"
        return Head(_LOUD * mirror, none, weight, bias)
    match shape.activation:
        case "tanh":
            return Head(_SMALL * straight, none, weight / _SMALL, bias)
        case "linear":
            return Head(straight, none, weight, bias)
        case _:
            lift = widest + _STRAIGHT
            return Head(straight, none + lift, weight, bias - lift * weight.sum(axis=1))
