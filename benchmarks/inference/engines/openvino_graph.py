"""OpenVINO: fp32, or int8 quantised by NNCF, which is used in its own environment and not to answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from benchmarks.inference.engines import Batching, Sources
from benchmarks.inference.reading import N_CALIBRATION, Batched, Ids, calibration, reader
from numpy.typing import NDArray

MODEL = "model.xml"


def make(variant: str, sources: Sources, out: Path) -> None:
    """Convert and, where asked for, quantise; see ``Engine``."""
    from benchmarks.inference.checkpoint import export

    plain = out / "plain.onnx"
    export(sources.checkpoint, plain)
    model = ov.convert_model(plain)
    if variant == "int8":
        import nncf

        data = nncf.Dataset(list(calibration(sources)))
        model = nncf.quantize(model, data, subset_size=N_CALIBRATION, model_type=nncf.ModelType.TRANSFORMER)
    ov.save_model(model, out / MODEL, compress_to_fp16=False)
    plain.unlink()


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Batched:
    """Load a graph; see ``Engine``."""
    del variant
    settings = {"INFERENCE_NUM_THREADS": sources.threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = ov.Core().compile_model(made / MODEL, "CPU", settings)
    request = compiled.create_infer_request()

    def forward(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        outputs = request.infer({"input_ids": ids, "attention_mask": mask}, share_inputs=True)
        logits: NDArray[np.float32] = outputs[0]
        return logits

    return Batched(reader(sources.checkpoint), forward, batching)
