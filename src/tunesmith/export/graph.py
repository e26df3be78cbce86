"""The classifier as two ONNX graphs, made by torch's own exporter.

``model.onnx`` answers windows, one a row: ``input_ids``, ``attention_mask`` and, where the encoder tells them apart,
``token_type_ids``, each int64 ``[batch, tokens]``, to calibrated ``logits`` and ``probabilities`` ``[batch, classes]``,
or to ``values`` ``[batch, 1]`` where answers are numbers, and to the pooled ``vectors`` ``[batch, hidden]``.
``head.onnx`` answers an average of such vectors, which is how a text of several windows is read: vectors are averaged
before they are scaled to length 1, so no average of answers is the same. Of pairs read apart, ``model.onnx`` gives
``vectors`` alone, and ``head.onnx`` reads those of the first texts as ``vectors`` and those of the second as
``other_vectors``; of pairs read as one, a row is a pair.

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
    ids = torch.arange(_N_ROWS * _N_TOKENS).view(_N_ROWS, _N_TOKENS) % model.config.vocab_size
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    inputs = tuple(made[name] for name in model.inputs)
    answers, sides = answer_names(model), vector_names(model)
    outputs = ("vectors",) if model.pairs == "apart" else (*answers, "vectors")
    _write(folder / MODEL, PaddedClassifier(model), inputs, names=model.inputs, outputs=outputs)
    vectors = tuple(torch.ones(_N_ROWS, model.config.hidden_size) for _ in sides)
    _write(folder / HEAD, Head(model), vectors, names=sides, outputs=answers)


def _write(
    path: Path, module: nn.Module, inputs: tuple[Tensor, ...], *, names: Sequence[str], outputs: Sequence[str]
) -> None:
    size = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
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
            dynamic_shapes=tuple({0: batch} if name.endswith("vectors") else of_tokens for name in names),
            external_data=size > _MOST_BYTES,
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
