"""A rounded encoder with its pooling as one ONNX graph, for runtimes that answer a batch in one call of their own.

The graph is made of checked weights when a model is opened, so no file of a bundle is ever a program. It reads padded
sequences: ``input_ids`` and ``attention_mask`` (1 of a token, 0 of padding), and ``token_type_ids`` where both texts of
a pair are read as one, each int64 ``[B, T]``; it gives ``vectors`` ``[B, H]``, one a sequence.

Products are of whole numbers, as those of our own engine are: each input is rounded by the steps that it has there, and
columns that stay as they are are multiplied apart. Or they are of float32, of the same rounded weights: where a
processor has no instruction for products of whole numbers, that may be as fast, and rounds no input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders.flat import Embeddings, FlatEncoder, Layer
from tunesmith.models.pooled import reads_firsts
from tunesmith.models.poolings import Pooling
from tunesmith.models.poolings.attention import AttentionPooling
from tunesmith.models.quantized import QuantizedLinear, QuantizedTable
from tunesmith.runtimes.nodes import FLOAT, OWN_DOMAIN, WHOLE, Dialect, Graph, Inputs, Nodes, Products

IDS, MASK, TYPES, VECTORS = "input_ids", "attention_mask", "token_type_ids", "vectors"

_FAR_BELOW = 1e9
"""Taken from what padding has: no value is near it, and its exponential is 0."""


def input_names(encoder: FlatEncoder, *, reads_types: bool) -> tuple[str, ...]:
    """Name what the graph of an encoder reads.

    Args:
        encoder: The encoder.
        reads_types: Whether sequences hold both texts of a pair.

    Returns:
        Token types among them only where the encoder tells them apart.
    """
    table = encoder.embeddings.token_type
    return (IDS, MASK, TYPES) if reads_types and table is not None and table.num_embeddings > 1 else (IDS, MASK)


def encoder_graph(classifier: EncoderClassifier, *, reads_types: bool, products: Products, dialect: Dialect) -> Graph:
    """Write an encoder and its pooling as a graph.

    Args:
        classifier: Its encoder is of the flat engine, rounded or of float32; the head is no part of the graph.
        reads_types: Whether sequences hold both texts of a pair.
        products: What is multiplied.
        dialect: What it is written in.

    Returns:
        The graph.
    """
    made = Nodes(products=products, dialect=dialect)
    inputs = put_encoder(made, classifier, reads_types=reads_types)
    return made.graph(inputs, {VECTORS: ("batch", classifier.encoder.hidden_size)})


def put_encoder(made: Nodes, classifier: EncoderClassifier, *, reads_types: bool) -> Inputs:
    """Write an encoder and its pooling into a graph; what it gives is called ``vectors``.

    Args:
        made: The graph.
        classifier: See ``encoder_graph``.
        reads_types: Whether sequences hold both texts of a pair.

    Returns:
        What the graph reads from now on.
    """
    encoder, pool = classifier.encoder, classifier.pool
    assert isinstance(encoder, FlatEncoder), "others were refused"
    names = input_names(encoder, reads_types=reads_types)
    holds = made("Cast", MASK, to=FLOAT)
    below = made("Mul", made("Sub", holds, made.constant(1.0)), made.constant(_FAR_BELOW))  # 0 of a token
    unseen = made("Unsqueeze", below, made.constant([1, 2]))
    hidden = _embedded(made, encoder.embeddings, reads_types=TYPES in names)
    for number, layer in enumerate(encoder.layers, start=1):
        assert isinstance(layer, Layer), "a flat encoder is made of layers"
        reads_first = reads_firsts(pool) and number == len(encoder.layers)
        hidden = _layer(made, layer, hidden, unseen=unseen, config=encoder.config, reads_first=reads_first)
    texts = _Texts(hidden, holds, made("Unsqueeze", below, made.constant([2])))
    made.call(POOLINGS[classifier.pooling](made, texts, pool), VECTORS)
    return {name: (WHOLE, ("batch", "tokens")) for name in names}


def _embedded(made: Nodes, embeddings: Embeddings, *, reads_types: bool) -> str:
    """Look tokens up; the first token type is added to the positions where no other is read."""
    words, kinds, positions = embeddings.word, embeddings.token_type, _table(embeddings.position)
    if isinstance(words, QuantizedTable):
        rows = made("Cast", made("Gather", made.constant(_array(words.weight)), IDS), to=FLOAT)
        hidden = made("Mul", rows, made("Gather", made.constant(_array(words.scale)[:, None]), IDS))
    else:
        hidden = made("Gather", made.constant(_table(words)), IDS)
    if kinds is not None and not reads_types:
        positions = positions + _table(kinds)[0]
    n_tokens = made("Slice", made("Shape", IDS), made.constant([1]), made.constant([2]))
    there = made("Slice", made.constant(positions[embeddings.offset :]), made.constant([0]), n_tokens)
    hidden = made("Add", hidden, there)
    if kinds is not None and reads_types:
        hidden = made("Add", hidden, made("Gather", made.constant(_table(kinds)), TYPES))
    hidden = _normed(made, embeddings.norm, hidden)
    return hidden if embeddings.project is None else _linear(made, embeddings.project, hidden)


def _layer(made: Nodes, layer: Layer, hidden: str, *, unseen: str, config: EncoderConfig, reads_first: bool) -> str:
    """One layer, of all tokens or of the first alone; the scale of attention is worked into the map of the queries."""
    n_heads, width = config.num_attention_heads, config.hidden_size
    qkv = _linear(made, layer.qkv, hidden, first_by=math.sqrt(n_heads / width))
    heads = made("Reshape", qkv, made.constant([0, 0, 3 * n_heads, width // n_heads]))
    heads = made("Transpose", heads, perm=[0, 2, 1, 3])
    query, key, value = made.several("Split", heads, n_outputs=3, axis=1, num_outputs=3)
    scores = made("Add", made("MatMul", query, made("Transpose", key, perm=[0, 1, 3, 2])), unseen)
    mixed = made("MatMul", made("Softmax", scores, axis=-1), value)
    mixed = made("Reshape", made("Transpose", mixed, perm=[0, 2, 1, 3]), made.constant([0, 0, width]))
    if reads_first:
        mixed, hidden = (made("Gather", each, made.constant([0]), axis=1) for each in (mixed, hidden))
    gathered = _linear(made, layer.attention_out, mixed)
    hidden = _normed(made, layer.attention_norm, made("Add", gathered, hidden))
    grown = _ACTIVATIONS[config.hidden_act](made, _linear(made, layer.grow, hidden))
    return _normed(made, layer.output_norm, made("Add", _linear(made, layer.shrink, grown), hidden))


def _linear(made: Nodes, part: nn.Module, inputs: str, *, first_by: float = 1.0) -> str:
    """Map vectors; the first third of the outputs, which are queries, is scaled."""
    weight, bias = _array(part.weight), _array(part.bias)
    by = np.ones_like(bias)
    by[: len(by) // 3] = first_by
    if not isinstance(part, QuantizedLinear):
        return _affine(made, inputs, weight * by[:, None], bias=bias * by)
    step, columns = _array(part.scale) * by, _array(part.columns).astype(np.int64)
    in_full = _array(part.in_full).astype(np.float32) * by
    if made.products == "float32":
        whole = weight * step[:, None]
        whole[:, columns] = in_full.T
        return _affine(made, inputs, whole, bias=bias * by)
    of_input = made.constant(_array(part.input_scale)), made.constant(_array(part.input_zero))
    multiply = _multiplied_at_once if made.dialect == "onnxruntime" else _multiplied
    outputs = multiply(made, made("QuantizeLinear", inputs, *of_input), _Map(*of_input, weight, step, bias * by))
    if not len(columns):
        return outputs
    apart = made("MatMul", made("Gather", inputs, made.constant(columns), axis=-1), made.constant(in_full))
    return made("Add", outputs, apart)


def _affine(made: Nodes, inputs: str, weight: NDArray[np.float32], *, bias: NDArray[np.float32]) -> str:
    return made("Add", made("MatMul", inputs, made.constant(weight.T)), made.constant(bias))


class _Map(NamedTuple):
    """A linear map of whole numbers."""

    input_scale: str
    input_zero: str
    weight: NDArray[np.int8]
    """``[N, K]``."""
    step: NDArray[np.float32]
    """Of each output's weights, ``[N]``."""
    bias: NDArray[np.float32]


def _multiplied(made: Nodes, inputs: str, by: _Map) -> str:
    """Multiply whole numbers as the standard writes it, which runtimes know to be one product."""
    zeros = made.constant(np.zeros(len(by.step), dtype=np.int8))
    weights = made("DequantizeLinear", made.constant(by.weight.T), made.constant(by.step), zeros, axis=1)
    outputs = made("MatMul", made("DequantizeLinear", inputs, by.input_scale, by.input_zero), weights)
    return made("Add", outputs, made.constant(by.bias))


def _multiplied_at_once(made: Nodes, inputs: str, by: _Map) -> str:
    """Multiply whole numbers by ONNX Runtime's own operation, which adds the bias on the way."""
    weights = made.constant(by.weight.T), by.input_scale, made.constant(by.step)
    zeros = by.input_zero, made.constant(np.array(0, dtype=np.int8))
    return made("MatMulIntegerToFloat", inputs, *weights, *zeros, made.constant(by.bias), domain=OWN_DOMAIN)


def _normed(made: Nodes, norm: nn.LayerNorm, hidden: str) -> str:
    return made(
        "LayerNormalization",
        hidden,
        made.constant(_array(norm.weight)),
        made.constant(_array(norm.bias)),
        axis=-1,
        epsilon=norm.eps,
    )


class _Texts(NamedTuple):
    """What a pooling reads."""

    hidden: str
    """``[B, T, H]``."""
    holds: str
    """1 of a token, 0 of padding, ``[B, T]``."""
    below: str
    """0 of a token, far below of padding, ``[B, T, 1]``."""


def _mean(made: Nodes, texts: _Texts, pool: Pooling) -> str:
    del pool
    summed = made("MatMul", made("Unsqueeze", texts.holds, made.constant([1])), texts.hidden)
    n_tokens = made("ReduceSum", texts.holds, made.constant([1]), keepdims=1)
    return made("Div", made("Squeeze", summed, made.constant([1])), n_tokens)


def _cls(made: Nodes, texts: _Texts, pool: Pooling) -> str:
    del pool  # and the first token is never padding
    return made("Gather", texts.hidden, made.constant(np.array(0)), axis=1)


def _max(made: Nodes, texts: _Texts, pool: Pooling) -> str:
    del pool
    return made("ReduceMax", made("Add", texts.hidden, texts.below), made.constant([1]), keepdims=0)


def _attention(made: Nodes, texts: _Texts, pool: Pooling) -> str:
    assert isinstance(pool, AttentionPooling), "the name says so"
    scores = made("MatMul", texts.hidden, made.constant(_array(pool.query)[:, None]))
    weights = made("Softmax", made("Add", scores, texts.below), axis=1)
    summed = made("MatMul", made("Transpose", weights, perm=[0, 2, 1]), texts.hidden)
    return made("Squeeze", summed, made.constant([1]))


POOLINGS: dict[str, Callable[[Nodes, _Texts, Pooling], str]] = {
    "attention": _attention,
    "cls": _cls,
    "max": _max,
    "mean": _mean,
}
"""How each of our poolings is written down."""
_ACTIVATIONS: dict[str, Callable[[Nodes, str], str]] = {
    "gelu": lambda made, values: made("Gelu", values),
    "gelu_new": lambda made, values: made("Gelu", values, approximate="tanh"),
    "gelu_pytorch_tanh": lambda made, values: made("Gelu", values, approximate="tanh"),
    "relu": lambda made, values: made("Relu", values),
    "silu": lambda made, values: made("Mul", values, made("Sigmoid", values)),
}


def _table(table: nn.Module) -> NDArray[np.float32]:
    """A table in float32."""
    found: NDArray[np.float32] = _array(table.weight)
    return found.astype(np.float32) * _array(table.scale)[:, None] if isinstance(table, QuantizedTable) else found


def _array(tensor: Any) -> NDArray[Any]:
    assert isinstance(tensor, Tensor), "a weight is a tensor"
    found: NDArray[Any] = tensor.detach().cpu().numpy()
    return found
