"""The graph of an encoder: what it reads, and where its weights lie."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from tests.contracts.test_engines import rounded, tiny

from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.runtimes.graph import encoder_graph, input_names
from tunesmith.runtimes.nodes import Products


@pytest.mark.parametrize("products", ["int8", "float32"])
def test_weights_stay_where_they_are(products: Products) -> None:
    """Large ones are named alone where they are handed over beside; else all are in the model."""
    classifier = rounded(tiny(hidden_size=64, intermediate_size=128))
    whole = encoder_graph(classifier, reads_types=False, products=products, dialect="onnx")
    apart = encoder_graph(classifier, reads_types=False, products=products, dialect="onnxruntime")
    assert whole.weights == {}
    size = sum(array.nbytes for array in apart.weights.values())
    assert size > 0
    assert len(whole.model) == pytest.approx(len(apart.model) + size, rel=0.01)
    onnx.checker.check_model(onnx.load_from_string(whole.model))


def test_products_are_of_what_was_asked_for() -> None:
    """Whole numbers but for the map that stays as it is; or no rounding of inputs at all."""
    classifier = rounded(tiny())
    counts = []
    for products in ("int8", "float32"):
        model = onnx.load_from_string(
            encoder_graph(classifier, reads_types=False, products=products, dialect="onnx").model
        )
        counts.append(sum(node.op_type == "QuantizeLinear" for node in model.graph.node))
    assert counts == [7, 0]


def test_token_types_are_read_where_they_tell_something() -> None:
    """Of pairs read as one, by an encoder that knows two."""
    encoder, other = tiny().encoder, tiny("distilbert").encoder
    assert isinstance(encoder, FlatEncoder)
    assert isinstance(other, FlatEncoder)
    assert input_names(encoder, reads_types=True) == ("input_ids", "attention_mask", "token_type_ids")
    assert input_names(encoder, reads_types=False) == ("input_ids", "attention_mask")
    assert input_names(other, reads_types=True) == ("input_ids", "attention_mask")


def test_the_same_weights_give_the_same_graph() -> None:
    """Byte by byte."""
    one, other = (encoder_graph(rounded(tiny()), reads_types=False, products="int8", dialect="onnx") for _ in range(2))
    assert one.model == other.model
    assert np.frombuffer(one.model, dtype=np.uint8).size > 0


@pytest.mark.parametrize(("pooling", "n_gathered"), [("cls", 3), ("mean", 0)])
def test_the_last_layer_makes_what_the_pooling_reads(pooling: str, n_gathered: int) -> None:
    """First tokens are taken out of what is mixed and of what it is added to, and by the pooling."""
    graph = encoder_graph(tiny(pooling=pooling), reads_types=False, products="float32", dialect="onnx")
    nodes = [node for node in onnx.load_from_string(graph.model).graph.node if node.op_type == "Gather"]
    assert sum(any(part.name == "axis" and part.i == 1 for part in node.attribute) for node in nodes) == n_gathered
