"""ONNX Runtime: the graph fused by its own optimiser for transformers; fp32, or int8 by either of its quantisers."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnxruntime
from benchmarks.inference.engines import Batching, Sources
from benchmarks.inference.reading import Batched, Ids, calibration, reader
from numpy.typing import NDArray

MODEL = "model.onnx"
_HEADS, _WIDTH = 12, 384


def make(variant: str, sources: Sources, out: Path) -> None:
    """Export, fuse and, where asked for, quantise; see ``Engine``."""
    from benchmarks.inference.checkpoint import export
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    plain, fused = out / "plain.onnx", out / "fused.onnx"
    export(sources.checkpoint, plain)
    wanted = FusionOptions("bert")
    wanted.enable_embed_layer_norm = False  # its int8 form wants a mask of another kind
    made = optimizer.optimize_model(
        str(plain), "bert", num_heads=_HEADS, hidden_size=_WIDTH, opt_level=0, optimization_options=wanted
    )
    made.save_model_to_file(str(fused))
    if variant == "fp32":
        fused.rename(out / MODEL)
    else:
        quantise(variant, sources, graph=fused, out=out / MODEL)
    for path in (plain, fused):
        path.unlink(missing_ok=True)


def quantise(variant: str, sources: Sources, *, graph: Path, out: Path) -> None:
    """Write a graph in whole numbers of 8 bits.

    Args:
        variant: ``int8_dynamic`` or ``int8_static``.
        sources: Texts to see which values occur in.
        graph: In fp32.
        out: The file to write.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )

    logging.disable(logging.WARNING)
    unseen = {"DefaultTensorType": TensorProto.FLOAT}  # behind fused nodes, whose types no inference knows
    if variant == "int8_dynamic":
        quantize_dynamic(
            graph,
            out,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=_saturates(),
            extra_options=unseen,
        )
        return

    class Feed(CalibrationDataReader):
        def __init__(self) -> None:
            self._batches = calibration(sources)

        def get_next(self) -> dict[str, Ids] | None:
            return next(self._batches, None)

    quantize_static(
        graph,
        out,
        Feed(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=_saturates(),
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options=unseen,
    )


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Batched:
    """Load a graph; see ``Engine``."""
    del variant
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = sources.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(made / MODEL), options, providers=["CPUExecutionProvider"])

    def forward(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return logits

    return Batched(reader(sources.checkpoint), forward, batching)


def _saturates() -> bool:
    """Whether products of 8 bits may overflow the 16 they are summed in: so they do without VNNI."""
    listing = Path("/proc/cpuinfo")
    return "vnni" not in (listing.read_text() if listing.exists() else "vnni")
