"""What a technique starts from: the model to make smaller, and rows to fit on and to hold it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.encoder_model import EncoderModel, EncoderPredictor, merged
from tunesmith.bundle.load import Bundle
from tunesmith.bundle.schema import RuntimeFacts, StageFacts
from tunesmith.errors import ConfigError
from tunesmith.ladder.narrate import Narrator, Silent
from tunesmith.models.encoder import pretrained
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.supervision import Supervision
from tunesmith.tasks import Calibration, Coding, Targets, Task
from tunesmith.types import JSON, Text

Floats = NDArray[np.float32]

_KINDS = ("encoder", "adapter")


@dataclass(frozen=True)
class Rows:
    """Labelled rows, prepared, in two parts that share no row."""

    source: str
    """Where they come from, in words."""
    fitted: Sequence[Text]
    """To fit on; their labels are not needed."""
    held: Sequence[Text]
    """To hold the compressed model to its parent on."""
    targets: Targets
    """Of the rows held out."""
    note: str = ""
    """What a reader of the figures must know of the rows, in a sentence."""
    more: Sequence[Text] = ()
    """Further texts to fit on, none of which is among the rows."""
    solved: Supervision | None = None
    """What those to fit on were fitted to, where the parent's head was solved on those held out as well; else None."""

    @property
    def lesson(self) -> list[Text]:
        """All texts that may be fitted on."""
        return [*self.fitted, *self.more]


@dataclass(frozen=True)
class Parent:
    """The model to make smaller."""

    model: EncoderModel
    """What a method has learnt is worked into its weights."""
    task: Task
    coding: Coding
    calibration: Calibration = field(default_factory=Calibration)
    """How its outputs become answers."""
    features: Floats | None = None
    """What its head sees of the rows to fit on, where that was computed already, ``[fitted, F]``."""

    @property
    def encoder(self) -> FlatEncoder:
        """Its encoder, of our own engine."""
        encoder = pretrained(self.model.classifier.encoder)
        assert isinstance(encoder, FlatEncoder), "others were refused"
        return encoder


@dataclass(frozen=True)
class Compressed:
    """A smaller model that has not been measured yet."""

    kind: str
    """Of its bundle."""
    model: Any
    """What ``bundle.kinds`` of that kind saves; it says its ``pooling``."""
    runtime: RuntimeFacts | None = None
    notes: tuple[str, ...] = ()
    """What the technique decided, a sentence each."""
    cascade: tuple[StageFacts, ...] | None = None
    """What its stages are, where it has some."""
    steps: tuple[str, ...] = ()
    """Techniques that it came by, where it was not a single one that was asked for."""
    tried: tuple[dict[str, JSON], ...] = ()
    """Models among which it was chosen, as ``compress --json`` prints them."""


@dataclass(frozen=True)
class Work:
    """What making a model smaller may lose and take, and who is told of it."""

    max_loss: float
    """Points that may be lost."""
    seed: int = 0
    """Start of every random choice."""
    budget_s: float | None = None
    """Seconds that learning may take; None for as long as is worth it."""
    narrator: Narrator = field(default_factory=Silent)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of techniques, by name, not checked yet."""

    def telling(self, stage: str) -> Callable[[int, int], None]:
        """Tell how far a stage is that counts what it does.

        Args:
            stage: What is being done.

        Returns:
            What takes the number done and that of all.
        """
        return lambda done, total: self.narrator.progress(stage, done / max(total, 1))


class Both(NamedTuple):
    """What both models say of the same rows, logits ``[B, C]`` each."""

    before: Floats
    after: Floats


def parent_of(bundle: Bundle) -> Parent:
    """Take the model out of a bundle.

    Args:
        bundle: Verified; its weights are loaded here.

    Returns:
        The parent.

    Raises:
        ConfigError: ``kind-not-compressible``.
    """
    facts = bundle.facts
    if facts.kind not in _KINDS:
        raise _refusal(bundle, f"kind {facts.kind}", f"kind {' or '.join(_KINDS)}")
    predictor = bundle.predictor
    assert isinstance(predictor, EncoderPredictor), "the kind says so"
    model = merged(predictor.model)
    if not isinstance(model.classifier.encoder, FlatEncoder):
        found = f"architecture {pretrained(model.classifier.encoder).config.model_type}"
        raise _refusal(bundle, found, "BERT, RoBERTa, XLM-R, CamemBERT, ELECTRA or DistilBERT")
    if model.method is not None:
        raise _refusal(bundle, f"method {model.method.name}, whose modules no weights can stand for", "another method")
    return Parent(model, facts.learnt, facts.coding, facts.calibration)


def _refusal(bundle: Bundle, found: str, allowed: str) -> ConfigError:
    return ConfigError(
        "kind-not-compressible",
        "this model cannot be made smaller",
        where=str(bundle.folder),
        found=found,
        allowed=allowed,
        advice="it answers as it is with: tunesmith predict; train with --rungs probe,finetune for one that can",
    )
