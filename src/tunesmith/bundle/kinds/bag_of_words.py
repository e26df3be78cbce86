"""``bag_of_words``: counts of words and characters and one linear layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.schema import Facts
from tunesmith.errors import ArtifactError, counted
from tunesmith.files.atomic import write_json
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_arrays, save_tensors
from tunesmith.models.bag_of_words import BagOfWords
from tunesmith.types import Text

FILES = ("model.safetensors", "vocabulary.json")
SHARES_BASE = False

_HASHED_WIDTH = 192
"""Of each kind of terms: together as wide as a small encoder's vector, and two texts' cosine is off by 0.07 or less."""


class BagOfWordsPredictor:
    """A loaded bag of words.

    Args:
        model: Vectorisers and weights.
    """

    sees = f"its TF-IDF rows, hashed to {_HASHED_WIDTH} numbers of each kind of terms"

    def __init__(self, model: BagOfWords) -> None:
        self._model = model

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts.

        Args:
            texts: Prepared as the bundle says.
            progress: Told rows done and rows in all.

        Returns:
            One row a text; it has no tokens.
        """
        logits = self._model.logits(texts)
        if progress:
            progress(len(texts), len(texts))
        return Outputs(logits=logits, n_tokens=None, n_windows=None)

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give their weighed terms, hashed: see ``Predictor``."""
        logits = self.outputs(texts, progress=progress).logits
        return Seen(features=self._model.hashed(texts, _HASHED_WIDTH), logits=logits)


def save(folder: Path, model: BagOfWords) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Fitted.
    """
    tensors, vocabulary = model.state()
    save_tensors(folder / "model.safetensors", tensors)
    write_json(folder / "vocabulary.json", vocabulary)


def load(folder: Path, facts: Facts) -> BagOfWordsPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor.

    Raises:
        ArtifactError: Weights, vocabulary and labels do not fit together.
    """
    tensors = load_arrays(folder / "model.safetensors")
    vocabulary = read_json(folder / "vocabulary.json")
    model = BagOfWords.from_state(tensors, vocabulary, pairs=facts.reads_pairs)
    n_outputs = len(tensors["bias"])  # the weights were held to it
    if n_outputs != facts.n_outputs:
        raise ArtifactError(
            "head-differs",
            "the weights do not fit the labels",
            where=str(folder / "model.safetensors"),
            found=counted(n_outputs, "output"),
            allowed=f"{facts.n_outputs}, as the task has them",
        )
    return BagOfWordsPredictor(model)


def predictor(model: BagOfWords) -> BagOfWordsPredictor:
    """Answer with a model in memory.

    Args:
        model: Fitted.

    Returns:
        The predictor.
    """
    return BagOfWordsPredictor(model)
