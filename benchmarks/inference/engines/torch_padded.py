"""torch on padded, sorted batches: eager, or compiled by inductor with its weights frozen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from benchmarks.inference.checkpoint import classifier_of
from benchmarks.inference.engines import Batching, Sources
from benchmarks.inference.reading import Batched, Ids, reader
from numpy.typing import NDArray


def make(variant: str, sources: Sources, out: Path) -> None:
    """Write nothing: the checkpoint is loaded as it is."""
    del variant, sources, out


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Batched:
    """Load a model; see ``Engine``."""
    del made
    torch.set_num_threads(sources.threads)
    module = classifier_of(sources.checkpoint)
    if variant == "compiled":
        import torch._inductor.config as inductor

        inductor.freezing = True
        model = torch.compile(module, dynamic=True)
    else:
        model = module

    def forward(ids: Ids, mask: Ids) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        return logits

    return Batched(reader(sources.checkpoint), forward, batching)
