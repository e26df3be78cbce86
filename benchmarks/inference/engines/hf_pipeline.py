"""A pipeline of transformers: as documented, one call with a list; or batched, texts sorted by length beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from benchmarks.inference.checkpoint import PipelineClassifier
from benchmarks.inference.engines import Batching, Sources
from benchmarks.inference.reading import reader
from benchmarks.rows import MAX_SEQ_LENGTH
from transformers import AutoTokenizer, pipeline


def make(variant: str, sources: Sources, out: Path) -> None:
    """Write nothing: the checkpoint is loaded as it is."""
    del variant, sources, out


class Pipeline:
    """A text classification pipeline.

    Args:
        sources: The checkpoint.
        batching: Its size is the pipeline's.
        is_batched: Texts are sorted and batched; else it is called as documented.
    """

    def __init__(self, sources: Sources, batching: Batching, *, is_batched: bool) -> None:
        checkpoint = sources.checkpoint
        labels = json.loads((checkpoint / "labels.json").read_text("utf-8"))
        self._numbers = {label: number for number, label in enumerate(labels)}
        tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
        tokenizer.model_max_length = MAX_SEQ_LENGTH
        model = PipelineClassifier(checkpoint, labels).eval()
        self._classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
        self.batching = batching
        self._order = reader(checkpoint) if is_batched else None

    def answers(self, texts: Sequence[str]) -> list[int]:
        """Answer texts; see ``Answerer``."""
        if self._order is None:
            return [self._numbers[each["label"]] for each in self._classify(list(texts), truncation=True)]
        lengths = [len(encoding.ids) for encoding in self._order.encode_batch_fast(list(texts))]
        rows = sorted(range(len(texts)), key=lambda row: lengths[row])
        told = self._classify([texts[row] for row in rows], truncation=True, batch_size=self.batching.size)
        found = dict(zip(rows, told, strict=True))
        return [self._numbers[found[row]["label"]] for row in range(len(texts))]


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Pipeline:
    """Load a pipeline; see ``Engine``."""
    del made
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(sources.threads)
    return Pipeline(sources, batching, is_batched=variant == "batched")
