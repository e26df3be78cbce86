"""A trained model to ask; opening one costs torch, and never the libraries that only training needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.bundle.evaluate import evaluate_bundle
from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.bundle.predict import outputs_of, predict_texts
from tunesmith.data.frames import as_text
from tunesmith.data.places import Places
from tunesmith.data.prepare import prepare_label
from tunesmith.errors import ConfigError
from tunesmith.files.exchange import settle
from tunesmith.run.workspace import Workspace
from tunesmith.types import JSON, Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """One text's answer."""

    truncated: bool
    """Whether some of the text was not read; tunesmith reads longer texts in windows."""
    n_tokens: int | None
    """Tokens of the text, special ones included; None for bag of words."""
    label: Any = None
    """The most probable label, in the type the labels came in; None where answers are several labels or numbers."""
    probability: float | None = None
    """Calibrated probability of that label."""
    labels: tuple[tuple[Any, float], ...] | None = None
    """Each label of the text with its calibrated probability, the most probable first, where there may be several."""
    value: float | None = None
    """The number, where answers are numbers."""


@dataclass(frozen=True)
class Proposal:
    """A text that is worth a label, and what the model makes of it so far."""

    index: int
    """Which of the texts, from 0."""
    margin: float | None
    """How far the answer is from turning into another, from 0, a toss-up, to 1; None where the model does not say."""
    prediction: Prediction
    """The answer that a label may correct."""


class Model:
    """A trained model, loaded from its folder.

    Args:
        bundle: Verified.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @property
    def labels(self) -> list[Any]:
        """The labels in the order of ``predict_proba``'s columns, in the type they came in."""
        return [self._typed(label) for label in self.bundle.facts.labels]

    def predict(self, texts: Sequence[Text]) -> list[Prediction]:
        """Answer texts.

        Args:
            texts: Any number, any length; None and NaN are empty texts, as in training. Where the model reads pairs,
                tuples of two.

        Returns:
            One prediction a text, in order.
        """
        return [self._prediction(answer) for answer in predict_texts(self.bundle, _as_texts(texts))]

    def predict_proba(self, texts: Sequence[Text]) -> NDArray[np.float64]:
        """Give every label's calibrated probability.

        Args:
            texts: Any number, any length; None and NaN are empty texts, as in training. Where the model reads pairs,
                tuples of two.

        Returns:
            ``[B, C]``, columns in the order of ``labels``; each row adds up to 1 where a text has one label.

        Raises:
            ConfigError: ``no-probabilities``, the model answers numbers.
        """
        import numpy as np

        facts = self.bundle.facts
        if not facts.labels:
            raise ConfigError(
                "no-probabilities",
                f"a model of the task {facts.task} answers numbers, not labels",
                advice="ask it with predict",
            )
        logits = outputs_of(self.bundle, _as_texts(texts)).logits
        answers = facts.learnt.answers(logits, facts.coding, facts.calibration, everything=True)
        return np.array([list(answer["probabilities"].values()) for answer in answers]).reshape(-1, len(facts.labels))

    def evaluate(self, texts: Sequence[Text], labels: Sequence[Any]) -> dict[str, JSON]:
        """Measure the model on labelled texts.

        Args:
            texts: One a row, or a tuple of two where the model reads pairs.
            labels: The right ones, in the type they came in at training.

        Returns:
            ``{"rows", "metrics"}``, each metric with its 95 % interval.

        Raises:
            DataError: Some label is not among the model's.
        """
        prepared = [prepare_label(as_text(label)) for label in labels]
        where = Places.of("labels", range(1, len(prepared) + 1), unit="row")
        return evaluate_bundle(self.bundle, _as_texts(texts), prepared, places=where)

    def next(
        self,
        texts: Sequence[Text],
        n: int = 50,
        *,
        by: str | None = None,
        labelled: Sequence[Text] = (),
        seed: int = 0,
    ) -> list[Proposal]:
        """Choose the texts whose labels would teach the model most.

        Args:
            texts: Unlabelled ones; tuples of two where the model reads pairs.
            n: How many; fewer where fewer are left.
            by: ``uncertainty``, ``diversity`` or ``both``; left out, ``both`` where the model says how sure it is.
            labelled: Texts whose labels are known: what nearly equals them is not proposed.
            seed: Of what is drawn at random.

        Returns:
            The one to label first at the front; no empty text among them, nor two that are nearly the same.

        Raises:
            ConfigError: The strategy is unknown or does not suit the model.
            DataError: ``nothing-to-label``, no text is left.
        """
        from tunesmith.select.propose import Wanted, propose

        found = propose(self.bundle, _as_texts(texts), _as_texts(labelled), wanted=Wanted(n, by, seed), where="texts")
        return [
            Proposal(index, margin, self._prediction(answer))
            for index, margin, answer in zip(found.rows, found.margins, found.answers, strict=True)
        ]

    def save(self, folder: str | Path) -> None:
        """Copy the model folder.

        Args:
            folder: Must not exist yet.

        Raises:
            ConfigError: It does.
            ArtifactError: Another model has taken this one's place.
            ResourceError: The disk is full or refuses the write.
        """
        from tunesmith.bundle.save import copy_bundle

        out = Path(folder)
        if out.exists():
            raise ConfigError("out-exists", "there is something at this place already", where=str(out))
        copy_bundle(self.bundle, out)

    def _prediction(self, answer: Mapping[str, JSON]) -> Prediction:
        several = answer.get("labels")
        return Prediction(
            truncated=answer["truncated"],
            n_tokens=answer["n_tokens"],
            label=self._typed(answer["label"]) if "label" in answer else None,
            probability=answer.get("probability"),
            labels=None
            if several is None
            else tuple((self._typed(each["label"]), each["probability"]) for each in several),
            value=answer.get("value"),
        )

    def _typed(self, label: str) -> Any:
        kind = self.bundle.facts.label_type
        if kind == "bool":
            return label == "true"
        return {"int": int, "float": float}.get(kind, str)(label)


def load(folder: str | Path) -> Model:
    """Open a model folder and load its weights, so that the model stays what it is whatever comes in its place.

    Args:
        folder: What ``train`` wrote.

    Returns:
        The model.

    Raises:
        ArtifactError: Not a model folder, changed, incomplete, unsafe or too new.
    """
    bundle = open_bundle(folder)
    _ = bundle.predictor
    return Model(bundle)


def open_bundle(folder: str | Path) -> Bundle:
    """Verify a model folder, after putting right what a run killed in the middle of replacing it may have left.

    Args:
        folder: What ``train`` wrote.

    Returns:
        The bundle.

    Raises:
        ArtifactError: Not a model folder, changed, incomplete, unsafe or too new.
    """
    workspace = Workspace(Path(folder))
    settle(workspace.out, workspace.next)
    return load_bundle(workspace.out)


def _as_texts(texts: Iterable[Any]) -> list[Text]:
    if isinstance(texts, str):
        raise ConfigError("one-text", "a list of texts is expected", found="a single text", advice="put it in a list")
    return [
        (as_text(text[0]), as_text(text[1])) if isinstance(text, tuple | list) and len(text) == 2 else as_text(text)
        for text in texts
    ]
