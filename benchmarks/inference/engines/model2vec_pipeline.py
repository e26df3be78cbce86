"""model2vec: token vectors distilled from the same encoder and trained on the same rows: a smaller model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inference.engines import Batching, Sources
from benchmarks.rows import read_rows
from model2vec.inference import StaticModelPipeline


def make(variant: str, sources: Sources, out: Path) -> None:
    """Distil and train, with its defaults; see ``Engine``."""
    del variant
    import torch
    from model2vec.distill import distill
    from model2vec.train import StaticModelForClassification

    torch.set_num_threads(sources.threads)
    rows = read_rows(sources.train)
    model = StaticModelForClassification.from_static_model(model=distill(str(sources.checkpoint), device="cpu"))
    model.fit(rows.texts, rows.labels, device="cpu")
    model.to_pipeline().save_pretrained(str(out))


class Static:
    """Answers with a pipeline of model2vec.

    Args:
        made: Where it was saved.
        labels: Their names in the order of the numbers.
        batching: Not used: it puts texts together itself.
    """

    def __init__(self, made: Path, labels: list[str], batching: Batching) -> None:
        self.batching = batching
        self._pipeline = StaticModelPipeline.from_pretrained(str(made))
        self._numbers = {label: number for number, label in enumerate(labels)}

    def answers(self, texts: Sequence[str]) -> list[int]:
        """Answer texts; see ``Answerer``."""
        return [self._numbers[str(label)] for label in self._pipeline.predict(list(texts), use_multiprocessing=False)]


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Static:
    """Load a model; see ``Engine``."""
    del variant
    return Static(made, json.loads((sources.checkpoint / "labels.json").read_text("utf-8")), batching)
