"""The classifier as two ONNX graphs.

``model.onnx`` answers windows, one a row: ``input_ids``, ``attention_mask`` and, where the encoder tells them apart,
``token_type_ids``, each int64 ``[batch, tokens]``, to calibrated ``logits`` and ``probabilities`` ``[batch, classes]``,
or to ``values`` ``[batch, 1]`` where answers are numbers, and to the pooled ``vectors`` ``[batch, hidden]``.
``head.onnx`` answers an average of such vectors, which is how a text of several windows is read: vectors are averaged
before they are scaled to length 1, so no average of answers is the same. Of pairs read apart, ``model.onnx`` gives
``vectors`` alone, and ``head.onnx`` reads those of the first texts as ``vectors`` and those of the second as
``other_vectors``; of pairs read as one, a row is a pair.

An encoder of our flat engine is written down node by node (``runtimes/graph.py``), and its head, which torch's exporter
has made, is put behind it: 1 s for six layers of 384, where tracing them takes 14 s. Any other encoder is traced.

torch 2.13 has two exporters. The older one, TorchScript's, is deprecated there and gives MPNet's graph an input that it
does not have; the newer one traces every architecture we know with batch and length left open.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from tunesmith.export.padded import Head, PaddedClassifier, answer_names, vector_names
from tunesmith.export.source import Model
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.runtimes.graph import OPSET, VECTORS, encoder_graph

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
    sides = vector_names(model)
    vectors = tuple(torch.ones(_N_ROWS, model.config.hidden_size) for _ in sides)
    _trace(folder / HEAD, Head(model), vectors, names=sides, outputs=answer_names(model))
    encoder = model.encoder.classifier.encoder
    if isinstance(encoder, FlatEncoder) and model.encoder.method is None and _bytes_of(encoder) <= _MOST_BYTES:
        _write_down(folder, model)
    else:
        _trace_whole(folder, model)


def _write_down(folder: Path, model: Model) -> None:
    """Write ``model.onnx`` node by node, and put ``head.onnx`` behind it unless texts of pairs are read apart."""
    import onnx
    from onnx import compose

    classifier = model.encoder.classifier
    whole = onnx.load_from_string(
        encoder_graph(classifier, reads_types=model.takes_types, products="float32", dialect="onnx").model
    )
    if model.pairs != "apart":
        head = compose.add_prefix(onnx.load(folder / HEAD), "head_", rename_inputs=False, rename_outputs=False)
        head.ir_version = whole.ir_version
        whole = compose.merge_models(whole, head, [(VECTORS, VECTORS)], outputs=_output_names(model))
        whole.graph.output.sort(key=lambda output: _output_names(model).index(output.name))
    onnx.save(whole, folder / MODEL)


def _trace_whole(folder: Path, model: Model) -> None:
    """Let torch trace encoder, pooling and head into ``model.onnx``."""
    ids = torch.arange(_N_ROWS * _N_TOKENS).view(_N_ROWS, _N_TOKENS) % model.config.vocab_size
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    inputs = tuple(made[name] for name in model.inputs)
    _trace(folder / MODEL, PaddedClassifier(model), inputs, names=model.inputs, outputs=_output_names(model))


def _output_names(model: Model) -> list[str]:
    return [VECTORS] if model.pairs == "apart" else [*answer_names(model), VECTORS]


def _bytes_of(module: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())


def _trace(
    path: Path, module: nn.Module, inputs: tuple[Tensor, ...], *, names: Sequence[str], outputs: Sequence[str]
) -> None:
    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    of_tokens = {0: batch, 1: tokens}
    with _quiet():
        torch.onnx.export(
            module.eval(),
            inputs,
            path,
            input_names=list(names),
            output_names=list(outputs),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: batch} if name.endswith(VECTORS) else of_tokens for name in names),
            external_data=_bytes_of(module) > _MOST_BYTES,
            verbose=False,
        )


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
