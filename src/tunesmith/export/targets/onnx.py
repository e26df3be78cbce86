"""``onnx``: two graphs that ONNX Runtime and others run, the tokenizer, and how a text is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from tunesmith.export.card import graph_card
from tunesmith.export.graph import HEAD, MODEL, write_graphs
from tunesmith.export.peers import Graph, GraphPeer
from tunesmith.export.reading import hf_config, load_reader, write_reading, write_tokenizer
from tunesmith.export.source import Model
from tunesmith.export.targets import Made
from tunesmith.export.trial import Trial
from tunesmith.files.atomic import write_json

NEEDS = ("onnx", "onnxscript", "onnxruntime")
CUTS = False
PAIRS = ("apart", "joined")
ADDED = True
TOLERANCE = {"logits": 1e-4, "probabilities": 1e-4, "values": 1e-4}
"""Float32 adds up in another order there; measured, the largest difference is a hundredth of this."""


def write(folder: Path, model: Model, trial: Trial) -> Made:
    """Write the export.

    Args:
        folder: An existing, empty folder.
        model: What is exported.
        trial: Not used: nothing is fitted.

    Returns:
        Card and tolerances.
    """
    del trial
    write_graphs(folder, model)
    write_tokenizer(folder, model)
    write_reading(folder, model)
    write_json(folder / "config.json", hf_config(model))
    return Made(card=graph_card("onnx", model), tolerance=TOLERANCE, labels=model.labels)


def load(folder: Path) -> GraphPeer:
    """Open the export with ONNX Runtime.

    Args:
        folder: What ``write`` wrote.

    Returns:
        The peer.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3

    def graph(name: str, outputs: Sequence[str]) -> Graph:
        session = onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        return lambda inputs: dict(zip(outputs, session.run(list(outputs), dict(inputs)), strict=True))

    runtime, reader = f"onnxruntime {onnxruntime.__version__}", load_reader(folder)
    return GraphPeer(runtime, reader, model=graph(MODEL, reader.model_outputs), head=graph(HEAD, reader.head_outputs))
