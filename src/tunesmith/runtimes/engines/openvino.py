"""``openvino``: OpenVINO on the CPU, one call a batch; it reads the same graph by its own reader of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from tunesmith.data.spans import Ints
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.runtimes.engines import Engine
from tunesmith.runtimes.engines._padded import Call, Floats, PaddedEngine
from tunesmith.runtimes.nodes import Graph, Products

NEEDS = ("onnx", "openvino")
PRODUCTS: tuple[Products, ...] = ("int8", "float32")
IS_TRIED = False
"""Once it has compiled a model (2026.4, beside torch 2.13), Ctrl-C in a training of the same process ends that by a
segmentation fault: nobody who has not asked for it is to meet that."""


def open_engine(classifier: EncoderClassifier, *, reads_types: bool, products: Products) -> Engine:
    """Make ready to run.

    Args:
        classifier: Its encoder is rounded.
        reads_types: Whether sequences hold both texts of a pair.
        products: What is multiplied.

    Returns:
        The engine.
    """
    return PaddedEngine(classifier, reads_types=reads_types, products=products, compile_graph=_compiled, dialect="onnx")


def _compiled(graph: Graph, n_threads: int) -> Call:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it, which costs two digits
        "INFERENCE_NUM_THREADS": n_threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # every process would pin itself to the same cores
    }
    core = openvino.Core()
    request = core.compile_model(core.read_model(graph.model), "CPU", settings).create_infer_request()
    lock = Lock()

    def answered(inputs: Mapping[str, Ints]) -> Floats:
        with lock:  # a request answers one at a time
            found: Floats = request.infer(dict(inputs), share_inputs=True)[0].copy()
        return found

    return answered
