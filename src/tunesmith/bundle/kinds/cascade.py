"""``cascade``: several models of one task, the fastest first; a text is passed on until one of them is sure of it.

Each stage has the files of its own kind in ``stages/N``. What it says is divided by its temperature, so that all stages
are equally sure when they say so, and brought to the scale of the last, whose answers are the model's.

Source: Viola and Jones 2001 for the idea; Khalili et al. 2022 (BabyBear) for texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds import KINDS, Outputs, Predictor, Seen
from tunesmith.bundle.schema import Facts, StageFacts
from tunesmith.errors import ArtifactError
from tunesmith.runtimes.engines import refuse_missing
from tunesmith.tasks import Calibration, Task
from tunesmith.types import Text

FILES: tuple[str, ...] = ()
SHARES_BASE = False


@dataclass(frozen=True)
class Cascade:
    """Models of one task in the order in which they are asked."""

    models: tuple[Any, ...]
    """What the kind of each stage saves."""
    stages: tuple[StageFacts, ...]
    task: Task
    thresholds: tuple[float, ...] | None
    """Probability from which on each label is answered; None where the most probable one is."""

    @property
    def pooling(self) -> str:
        """How the tokens of the last stage become one vector."""
        return self.stages[-1].tokens.pooling


class CascadePredictor:
    """Loaded models.

    Args:
        predictors: One a stage.
        cascade: When the answer of each stands.
    """

    sees = "the vectors that the head of its first stage sees"

    def __init__(self, predictors: Sequence[Predictor], cascade: Cascade) -> None:
        self.model = cascade
        self._predictors = predictors

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts.

        Args:
            texts: Prepared as the bundle says.
            progress: Told tokens done and tokens in all, of the last stage.

        Returns:
            One row a text, in order; tokens are those of the first stage.
        """
        first = self._predictors[0].outputs(texts)
        logits = self._settled(first.logits, texts, progress=progress)
        return Outputs(logits=logits, n_tokens=first.n_tokens, n_windows=first.n_windows)

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give the features of the first stage: see ``Predictor``."""
        first = self._predictors[0].seen(texts)
        return Seen(features=first.features, logits=self._settled(first.logits, texts, progress=progress))

    def _settled(
        self, first: NDArray[np.float32], texts: Sequence[Text], *, progress: Callable[[int, int], None] | None
    ) -> NDArray[np.float32]:
        """Pass on the texts that a stage is not sure of; the logits of the stage that each stops at, on one scale."""
        cascade = self.model
        scale = cascade.stages[-1].temperature
        found = first * np.float32(scale / cascade.stages[0].temperature)
        left = np.flatnonzero(~stands(cascade.task, cascade.stages[0], first, thresholds=cascade.thresholds))
        for stage, predictor in zip(cascade.stages[1:], self._predictors[1:], strict=True):
            if not len(left):
                break
            is_last = stage.least_margin is None
            answered = predictor.outputs(
                [texts[place] for place in left.tolist()], progress=progress if is_last else None
            )
            found[left] = answered.logits * np.float32(scale / stage.temperature)
            left = left[~stands(cascade.task, stage, answered.logits, thresholds=cascade.thresholds)]
        return found


def stands(
    task: Task, stage: StageFacts, logits: NDArray[np.float32], *, thresholds: tuple[float, ...] | None
) -> NDArray[np.bool_]:
    """Tell which answers of a stage stand.

    Args:
        task: Measures how sure an answer is.
        stage: Says how sure it must be.
        logits: Of the stage, ``[B, C]``.
        thresholds: Probability from which on each label is answered.

    Returns:
        ``[B]``; all of the last stage.
    """
    if stage.least_margin is None:
        return np.ones(len(logits), dtype=np.bool_)
    margins = task.margins(logits, Calibration(stage.temperature, thresholds))
    assert margins is not None, "tasks whose answers are not sure of themselves have no cascade"
    found: NDArray[np.bool_] = margins >= stage.least_margin
    return found


def files(facts: Facts) -> tuple[str, ...]:
    """Name the files of a cascade.

    Args:
        facts: Its description.

    Returns:
        Those of each stage's kind, in its folder.
    """
    return tuple(
        f"{_folder_of(number)}/{name}"
        for number, stage in enumerate(facts.cascade or ())
        for name in KINDS.member(stage.kind).FILES
    )


def save(folder: Path, model: Cascade) -> None:
    """Write the files of all stages.

    Args:
        folder: An existing folder.
        model: The cascade.
    """
    for number, (stage, each) in enumerate(zip(model.stages, model.models, strict=True)):
        place = folder / _folder_of(number)
        place.mkdir(parents=True, exist_ok=True)
        KINDS.member(stage.kind).save(place, each)


def load(folder: Path, facts: Facts) -> CascadePredictor:
    """Load all stages to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor.

    Raises:
        ArtifactError: A stage is damaged, or the task's answers are not sure of themselves.
        ConfigError: ``package-missing``: what runs a stage is not installed.
    """
    assert facts.cascade is not None, "the description was checked"
    if facts.learnt.margins(np.zeros((1, facts.n_outputs), dtype=np.float32), facts.calibration) is None:
        raise ArtifactError(
            "facts-damaged", "a cascade of numbers cannot tell which it is sure of", where=str(folder), found=facts.task
        )
    for stage in facts.cascade:
        if stage.runtime is not None:
            refuse_missing(stage.runtime.name, where=str(folder))
    predictors = tuple(_loaded(folder, facts))
    models = tuple(each.model for each in predictors)
    return CascadePredictor(predictors, Cascade(models, facts.cascade, facts.learnt, facts.thresholds))


def predictor(model: Cascade) -> CascadePredictor:
    """Answer with models in memory.

    Args:
        model: The cascade.

    Returns:
        The predictor.
    """
    predictors = [
        KINDS.member(stage.kind).predictor(each) for stage, each in zip(model.stages, model.models, strict=True)
    ]
    return CascadePredictor(predictors, model)


def _loaded(folder: Path, facts: Facts) -> Iterator[Any]:
    """Load each stage as a bundle of its kind that says the rest as the whole does."""
    for number, stage in enumerate(facts.cascade or ()):
        own = {"kind": stage.kind, "tokens": stage.tokens, "runtime": stage.runtime, "cascade": None}
        place = folder / _folder_of(number)
        yield KINDS.member(stage.kind).load(place, facts.model_copy(update=own))


def _folder_of(number: int) -> str:
    return f"stages/{number}"
