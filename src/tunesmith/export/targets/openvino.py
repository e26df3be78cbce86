"""``openvino``: the graphs of ``onnx`` as OpenVINO's own format, read by its own reader of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.export.card import graph_card
from tunesmith.export.graph import HEAD, MODEL, write_graphs
from tunesmith.export.peers import Floats, Graph, GraphPeer
from tunesmith.export.reading import hf_config, load_reader, write_reading, write_tokenizer
from tunesmith.export.source import Model
from tunesmith.export.targets import Made
from tunesmith.export.trial import Trial
from tunesmith.files.atomic import write_json

NEEDS = ("onnx", "onnxscript", "openvino")
CUTS = False
PAIRS = ("apart", "joined")
ADDED = True
TOLERANCE = {"logits": 1e-4, "probabilities": 1e-4, "values": 1e-4}
"""As for ``onnx``."""


def write(folder: Path, model: Model, trial: Trial) -> Made:
    """Write the export.

    Args:
        folder: An existing, empty folder.
        model: What is exported.
        trial: Not used: nothing is fitted.

    Returns:
        Card and tolerances.
    """
    import openvino

    del trial
    with TemporaryDirectory(dir=folder, prefix=".graphs-") as graphs:
        write_graphs(Path(graphs), model)
        for name in (MODEL, HEAD):
            # its convert_model does the same and tells its makers about it over the network, unless forbidden before
            converted = openvino.Core().read_model(Path(graphs) / name)
            openvino.save_model(converted, folder / Path(name).with_suffix(".xml"), compress_to_fp16=False)
    write_tokenizer(folder, model)
    write_reading(folder, model)
    write_json(folder / "config.json", hf_config(model))
    return Made(card=graph_card("openvino", model), tolerance=TOLERANCE, labels=model.labels)


def load(folder: Path) -> GraphPeer:
    """Open the export with OpenVINO.

    Args:
        folder: What ``write`` wrote.

    Returns:
        The peer.
    """
    import openvino

    core = openvino.Core()
    # On processors with bfloat16 the default is bfloat16, which costs two digits.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}

    def graph(name: str, outputs: Sequence[str]) -> Graph:
        compiled = core.compile_model(folder / Path(name).with_suffix(".xml"), "CPU", settings)

        def run(inputs: Mapping[str, NDArray[np.generic]]) -> dict[str, Floats]:
            found = compiled(dict(inputs))
            return {each: found[each].copy() for each in outputs}

        return run

    runtime, reader = f"openvino {openvino.__version__.split('-')[0]}", load_reader(folder)
    return GraphPeer(runtime, reader, model=graph(MODEL, reader.model_outputs), head=graph(HEAD, reader.head_outputs))
