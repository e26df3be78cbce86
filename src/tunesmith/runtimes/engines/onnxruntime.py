"""``onnxruntime``: ONNX Runtime on the CPU, one call a batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tunesmith.data.spans import Ints
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.runtimes.engines import Engine
from tunesmith.runtimes.engines._padded import Call, Floats, PaddedEngine
from tunesmith.runtimes.graph import VECTORS
from tunesmith.runtimes.nodes import Graph, Products

NEEDS = ("onnx", "onnxruntime")
PRODUCTS: tuple[Products, ...] = ("int8", "float32")
IS_TRIED = True


def open_engine(classifier: EncoderClassifier, *, reads_types: bool, products: Products) -> Engine:
    """Make ready to run.

    Args:
        classifier: Its encoder is rounded.
        reads_types: Whether sequences hold both texts of a pair.
        products: What is multiplied.

    Returns:
        The engine.
    """
    return PaddedEngine(
        classifier, reads_types=reads_types, products=products, compile_graph=_compiled, dialect="onnxruntime"
    )


def _compiled(graph: Graph, n_threads: int) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # it is of one shape; ours are many
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between calls the cores are others'
    weights = [onnxruntime.OrtValue.ortvalue_from_numpy(values) for values in graph.weights.values()]
    options.add_external_initializers(list(graph.weights), weights)
    session = onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
    return partial(_answered, session, graph)


def _answered(session: Any, graph: Graph, inputs: Mapping[str, Ints]) -> Floats:
    del graph  # kept as long as the session, which may read the weights where they lie
    found: Floats = session.run([VECTORS], dict(inputs))[0]
    return found
