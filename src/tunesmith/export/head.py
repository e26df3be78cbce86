"""The head written node by node: from vectors, one a text or two of a pair, to calibrated answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tunesmith.export.padded import answer_names, vector_names
from tunesmith.export.source import Model
from tunesmith.runtimes.nodes import FLOAT, Graph, Inputs, Nodes, Outputs

_LEAST_LENGTH = 1e-12
"""Of a vector that is scaled to length 1, as torch has it."""


def head_graph(model: Model) -> Graph:
    """Write the head as a graph of its own.

    Args:
        model: The exported one.

    Returns:
        From what ``vector_names`` says to what ``answer_names`` says.
    """
    made = Nodes()
    outputs = put_head(made, model)
    inputs: Inputs = {name: (FLOAT, ("batch", model.config.hidden_size)) for name in vector_names(model)}
    return made.graph(inputs, outputs)


def put_head(made: Nodes, model: Model) -> Outputs:
    """Write the head into a graph that has vectors by the names of ``vector_names``.

    Args:
        made: The graph.
        model: The exported one.

    Returns:
        What it gives.
    """
    vectors = [_scaled(made, name) if model.encoder.unit_length else name for name in vector_names(model)]
    pairing = model.encoder.classifier.pairing
    features = vectors[0] if pairing is None else PAIRINGS[pairing](made, vectors, model.config.hidden_size)
    weight, bias = (made.constant(part.astype(np.float32)) for part in model.head)
    logits = made("Gemm", features, weight, bias, transB=1)
    first, *shares = answer_names(model)
    made.call(logits, first)
    outputs = {first: ("batch", model.n_outputs)}
    for name in shares:
        made.call(MEANS[model.likelihood.name](made, logits), name)
        outputs[name] = ("batch", len(model.labels))
    return outputs


def _scaled(made: Nodes, vectors: str) -> str:
    lengths = made("ReduceL2", vectors, made.constant([1]), keepdims=1)
    return made("Div", vectors, made("Max", lengths, made.constant(_LEAST_LENGTH)))


def _symmetric(made: Nodes, vectors: Sequence[str], hidden_size: int) -> str:
    one, other = vectors
    product = made("Mul", made("Mul", one, other), made.constant(hidden_size**0.5))
    return made("Concat", product, made("Abs", made("Sub", one, other)), axis=1)


def _ordered(made: Nodes, vectors: Sequence[str], hidden_size: int) -> str:
    return made("Concat", *vectors, _symmetric(made, vectors, hidden_size), axis=1)


def _cumulative(made: Nodes, logits: str) -> str:
    """Sort the odds of being above each level, which may cross, and tell each from the next."""
    above = made("Sigmoid", logits)
    n_questions = made("Slice", made("Shape", logits), made.constant([1]), made.constant([2]))
    above, _ = made.several("TopK", above, n_questions, n_outputs=2, axis=1)
    never = made("Mul", made("Slice", above, *(made.constant([at]) for at in (0, 1, 1))), made.constant(0.0))
    sure = made("Add", never, made.constant(1.0))
    return made("Sub", made("Concat", sure, above, axis=1), made("Concat", above, never, axis=1))


PAIRINGS: dict[str, Callable[[Nodes, Sequence[str], int], str]] = {"ordered": _ordered, "symmetric": _symmetric}
"""How each pairing is written down."""
MEANS: dict[str, Callable[[Nodes, str], str]] = {
    "cumulative": _cumulative,
    "sigmoid": lambda made, logits: made("Sigmoid", logits),
    "softmax": lambda made, logits: made("Softmax", logits, axis=1),
}
"""How what each likelihood of labels expects is written down."""
