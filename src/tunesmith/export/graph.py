"""The classifier as two ONNX graphs.

``model.onnx`` answers windows, one a row: ``input_ids``, ``attention_mask`` and, where the encoder tells them apart,
``token_type_ids``, each int64 ``[batch, tokens]``, to calibrated ``logits`` and ``probabilities`` ``[batch, classes]``,
or to ``values`` ``[batch, 1]`` where answers are numbers, and to the pooled ``vectors`` ``[batch, hidden]``.
``head.onnx`` answers an average of such vectors, which is how a text of several windows is read: vectors are averaged
before they are scaled to length 1, so no average of answers is the same. Of pairs read apart, ``model.onnx`` gives
``vectors`` alone, and ``head.onnx`` reads those of the first texts as ``vectors`` and those of the second as
``other_vectors``; of pairs read as one, a row is a pair.

The head is written down node by node (``head.py``), and so is an encoder of our flat engine (``runtimes/graph.py``),
which spares torch's exporter: 14 s for six layers of 384, and 3 s to import it. Any other encoder is traced.

torch 2.13 has two exporters. The older one, TorchScript's, is deprecated there and gives MPNet's graph an input that it
does not have; the newer one traces every architecture we know with batch and length left open.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from tunesmith.export.head import head_graph, put_head
from tunesmith.export.padded import PaddedClassifier, answer_names
from tunesmith.export.source import Model
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.runtimes.graph import VECTORS, put_encoder
from tunesmith.runtimes.nodes import OPSET, Graph, Nodes

MODEL, HEAD = "model.onnx", "head.onnx"

_MOST_BYTES = 1_800_000_000
"""A graph of more is written with its weights in a file beside it: ONNX files end at 2 GiB."""
_N_ROWS, _N_TOKENS = 3, 7
_LOGGERS = ("torch.onnx", "torch.__trace", "onnxscript", "onnx_ir")


def write_graphs(folder: Path, model: Model) -> None:
    """Write ``model.onnx`` and ``head.onnx``.

    Args:
        folder: An existing folder.
        model: Encoder, pooling and head.
    """
    (folder / HEAD).write_bytes(head_graph(model).model)
    encoder = model.encoder.classifier.encoder
    if isinstance(encoder, FlatEncoder) and model.encoder.method is None and _bytes_of(encoder) <= _MOST_BYTES:
        (folder / MODEL).write_bytes(_written_down(model).model)
    else:
        _trace_whole(folder / MODEL, model)


def _written_down(model: Model) -> Graph:
    """Write the encoder node by node, and its head behind it unless texts of pairs are read apart."""
    made = Nodes()
    inputs = put_encoder(made, model.encoder.classifier, reads_types=model.takes_types)
    answers = {} if model.pairs == "apart" else put_head(made, model)
    return made.graph(inputs, {**answers, VECTORS: ("batch", model.config.hidden_size)})


def _trace_whole(path: Path, model: Model) -> None:
    """Let torch trace encoder, pooling and head into one graph."""
    ids = torch.arange(_N_ROWS * _N_TOKENS).view(_N_ROWS, _N_TOKENS) % model.config.vocab_size
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    module = PaddedClassifier(model).eval()
    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    with _quiet():
        torch.onnx.export(
            module,
            tuple(made[name] for name in model.inputs),
            path,
            input_names=list(model.inputs),
            output_names=[*(() if model.pairs == "apart" else answer_names(model)), VECTORS],
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: batch, 1: tokens} for _ in model.inputs),
            external_data=_bytes_of(module) > _MOST_BYTES,
            verbose=False,
        )


def _bytes_of(module: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter tells its own developers from the user."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
