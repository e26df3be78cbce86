"""The stock classifier as transformers runs it; this and the target are all of the export that import transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.export.targets import Answers
from tunesmith.types import Text, as_one

_BATCH = 16


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep bars and remarks of transformers off the terminal while it loads and runs.

    Yields:
        Nothing.
    """
    from transformers.utils import logging

    level, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if has_bars:
            logging.enable_progress_bar()


class PipelinePeer:
    """``transformers.pipeline("text-classification", model=DIR)``; a longer text is cut.

    Args:
        folder: The export.
    """

    def __init__(self, folder: Path) -> None:
        import transformers

        self.runtime = f"transformers {transformers.__version__}"
        with quiet_transformers():
            self._pipeline: Any = transformers.pipeline("text-classification", model=str(folder), device="cpu")
        names = self._pipeline.model.config.id2label
        self._labels = tuple(names[number] for number in range(len(names)))

    def answers(self, texts: Sequence[Text]) -> Answers:
        """Answer texts.

        Args:
            texts: As the user wrote them.

        Returns:
            Probabilities, or numbers in their place, one row a text, in order.
        """
        order = sorted(range(len(texts)), key=lambda row: len(as_one(texts[row])))  # of like length: little padding
        # an empty second text would be taken for none, and its mark be left out; the tokenizer strips the blank
        asked = [text if isinstance(text, str) else {"text": text[0], "text_pair": text[1] or " "} for text in texts]
        column = {label: number for number, label in enumerate(self._labels)}
        found = np.empty((len(texts), len(self._labels)), dtype=np.float32)
        with quiet_transformers():
            told = self._pipeline([asked[row] for row in order], top_k=None, truncation=True, batch_size=_BATCH)
        for row, scores in zip(order, told, strict=True):
            for each in scores:
                found[row, column[each["label"]]] = each["score"]
        return Answers(labels=self._labels, probabilities=found)
