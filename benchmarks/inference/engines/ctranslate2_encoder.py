"""CTranslate2: the encoder by its own converter; mean and head by numpy, for it knows no pooling but BERT's own."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import numpy as np
from benchmarks.inference.engines import Batching, Sources
from benchmarks.inference.reading import Batched, Ids, reader
from numpy.typing import NDArray
from safetensors.numpy import load_file

HEAD = "head.safetensors"


def make(variant: str, sources: Sources, out: Path) -> None:
    """Convert; see ``Engine``."""
    import shutil

    from ctranslate2.converters import TransformersConverter

    quantisation = "int8" if variant == "int8" else None
    converter = TransformersConverter(str(sources.checkpoint))
    converter.convert(str(out), quantization=quantisation, force=True)
    shutil.copy(sources.checkpoint / HEAD, out / HEAD)


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Batched:
    """Load a model; see ``Engine``."""
    head = load_file(made / HEAD)
    weight, bias = head["weight"].T.copy(), head["bias"]
    encoder = ctranslate2.Encoder(
        str(made),
        device="cpu",
        compute_type="int8" if variant == "int8" else "float32",
        inter_threads=1,
        intra_threads=sources.threads,
    )

    def forward(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        lengths = mask.sum(axis=1, dtype=np.int32)
        outputs = encoder.forward_batch(
            ctranslate2.StorageView.from_array(ids.astype(np.int32)), ctranslate2.StorageView.from_array(lengths)
        )
        hidden = np.array(outputs.last_hidden_state) * mask[:, :, None].astype(np.float32)
        mean = hidden.sum(axis=1)
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)  # its direction is that of the mean
        logits: NDArray[np.float32] = mean @ weight + bias
        return logits

    return Batched(reader(sources.checkpoint), forward, batching)
