"""What every target starts from: an encoder's model and the few facts of its bundle that decide an answer.

This is the one place that reads ``Facts`` for an export; a target sees a ``Model`` and nothing else of the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers
from torch import nn

from tunesmith.bundle.card import measured
from tunesmith.bundle.encoder_model import EncoderModel, EncoderPredictor, merged
from tunesmith.bundle.load import Bundle
from tunesmith.bundle.schema import Facts
from tunesmith.data.joined import tokens_of
from tunesmith.data.prepare import Form
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ConfigError
from tunesmith.models.adaptation import adapted, learnt_tensors, load_learnt
from tunesmith.models.encoder import pretrained
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders import grouped
from tunesmith.models.likelihoods import Likelihood, load_likelihood
from tunesmith.models.methods import load_method
from tunesmith.tasks import Calibration, Coding, Task
from tunesmith.types import JSON, Interval, Text

KINDS = ("encoder", "adapter")
_WHY_NOT = {
    "bag_of_words": "no other format counts words and characters as it does",
    "runtime": "its whole numbers are those of our own engine; export the model that it was made from",
    "static": "it is a table that numpy averages; export the model that it was made from",
    "cascade": "it is several models in turn; export the model that it was made from",
    "network": "no other format reads words as it does, of which it knows those it was trained on alone",
}


@dataclass(frozen=True, slots=True)
class Score:
    """How good the model was found to be when it was made."""

    name: str
    """Of the figure that chose it, as METRICS has it."""
    figure: Interval
    """With its 95 % interval."""
    where: str
    """The rows in words, their number included."""
    choice: str
    """Whether those rows were used to choose, in words."""


@dataclass(frozen=True)
class Model:
    """An encoder under a head, as an export needs it."""

    encoder: EncoderModel
    task: Task
    coding: Coding
    calibration: Calibration
    """Its temperature divides the logits; every target folds it into the head."""
    form: Form
    """Normal form of the texts."""
    licence: str
    """Of the base model's weights."""
    score: Score | None = None
    """None where nobody measured it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities; none where answers are numbers."""
        return self.coding.labels

    @property
    def n_outputs(self) -> int:
        """Outputs of the head."""
        return self.task.n_outputs(self.coding)

    @property
    def unanswered(self) -> frozenset[str]:
        """What an export of this model does not say: numbers where it says labels, and the other way round."""
        return frozenset(("values",) if self.labels else ("logits", "probabilities"))

    @property
    def pairs(self) -> Literal["apart", "joined"] | None:
        """How both texts of a pair are read; None where a row is one text."""
        if self.encoder.pairing is None:
            return None
        return "joined" if self.encoder.joins else "apart"

    @cached_property
    def likelihood(self) -> Likelihood:
        """What the outputs say of a target."""
        return load_likelihood(self.task.likelihood)

    @property
    def config(self) -> EncoderConfig:
        """The encoder's shape."""
        return pretrained(self.encoder.classifier.encoder).config

    @cached_property
    def module(self) -> nn.Module:
        """The encoder as transformers runs it, with padding and a mask; the flat engine knows neither."""
        ours = pretrained(self.encoder.classifier.encoder)
        if isinstance(ours, grouped.GroupedEncoder):
            return ours.module
        theirs = grouped.build(self.config, ours.hf_state(), grouped.Options())
        if self.encoder.method is None:
            return theirs.module.eval()
        method = load_method(self.encoder.method.name, self.encoder.method.options)
        adapted_too = adapted(theirs, method, seed=0).encoder
        load_learnt(adapted_too, learnt_tensors(ours), where="the model in memory")
        return adapted_too.module.eval()

    @cached_property
    def takes_types(self) -> bool:
        """Whether the encoder tells token types apart; some have a table of one row, which changes nothing."""
        table = pretrained(self.encoder.classifier.encoder).hf_state().get("embeddings.token_type_embeddings.weight")
        return table is not None and len(table) > 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the encoder's inputs."""
        return ("input_ids", "attention_mask", *(["token_type_ids"] if self.takes_types else []))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer with the preparation of texts built in, so that a file of it reads a text as we do."""
        return with_preparation(self.encoder.tokenizer, self.form)

    def tokens(self, texts: Sequence[Text]) -> TokenSet:
        """Turn texts into windows by the tokenizer that is exported.

        Args:
            texts: As the user wrote them.

        Returns:
            One row a text.
        """
        length, joins = self.encoder.max_seq_length, self.encoder.joins
        return tokens_of(texts, self.tokenizer, max_seq_length=length, joins=joins)

    @cached_property
    def head(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weight ``[C, F]`` and bias ``[C]`` of the head: of calibrated logits, or of numbers in the unit of the file.

        Divided by the temperature; where answers are numbers, scaled to their spread and mean.
        """
        head, coding = self.encoder.classifier.head, self.coding
        scale = coding.spread / self.calibration.temperature
        weight, bias = (part.detach().double().numpy() * scale for part in (head.weight, head.bias))
        return weight, bias + coding.mean

    def standard(self, logits: NDArray[np.float64]) -> NDArray[np.float32]:
        """Bring the logits of an export to what the task and its likelihood read.

        Args:
            logits: Calibrated, or numbers in the unit of the file, ``[B, C]``.

        Returns:
            Calibrated; of numbers, in spreads from the mean, ``[B, C]``.
        """
        return ((logits - self.coding.mean) / self.coding.spread).astype(np.float32)

    def answers(self, logits: NDArray[np.float64]) -> list[dict[str, JSON]]:
        """Say what the logits of an export mean, as ``predict --all`` says it.

        Args:
            logits: Calibrated, or numbers in the unit of the file, ``[B, C]``.

        Returns:
            One object a row.
        """
        calibrated = replace(self.calibration, temperature=1.0)
        return self.task.answers(self.standard(logits), self.coding, calibrated, everything=True)


def model_of(bundle: Bundle) -> Model:
    """Take from a bundle what an export needs.

    Args:
        bundle: Verified; its weights are loaded here.

    Returns:
        The model.

    Raises:
        ConfigError: ``kind-not-exportable``.
        ArtifactError: The bundle was replaced or does not fit together.
    """
    facts = bundle.facts
    if facts.kind not in KINDS:
        raise ConfigError(
            "kind-not-exportable",
            f"a model of kind {facts.kind} cannot be exported: {_WHY_NOT.get(facts.kind, 'no format has its like')}",
            where=str(bundle.folder),
            found=f"kind {facts.kind}, rung {facts.rung}",
            allowed=f"kind {' or '.join(KINDS)}",
            advice="train with --rungs probe,finetune to get an encoder, or answer with: tunesmith predict",
        )
    predictor = bundle.predictor
    assert isinstance(predictor, EncoderPredictor), "the kind says so"
    return Model(
        encoder=merged(predictor.model),
        task=facts.learnt,
        coding=facts.coding,
        calibration=facts.calibration,
        form=facts.text.normalise,
        licence=facts.base.licence if facts.base else "unknown",
        score=_score(facts),
    )


def _score(facts: Facts) -> Score | None:
    """Take the figure that the bundle tells first."""
    found, name = measured(facts), facts.headline
    if name not in found.metrics:
        return None
    return Score(name, Interval(**found.metrics[name]), found.where, found.choice)


def with_preparation(tokenizer: Tokenizer, form: Form) -> Tokenizer:
    """Copy a tokenizer and let it do first what ``data.prepare`` does to a text.

    Args:
        tokenizer: Left as it is.
        form: Normal form of the texts.

    Returns:
        The copy, without truncation and padding.

    Example:
        >>> from tokenizers import models
        >>> copy = with_preparation(Tokenizer(models.BPE()), "NFC")
        >>> copy.normalizer.normalize_str(" one" + chr(10) + "two" + chr(0))
        'one two'
    """
    copy = Tokenizer.from_str(tokenizer.to_str())
    forms = {"NFC": normalizers.NFC, "NFKC": normalizers.NFKC}
    first = [normalizers.Replace(Regex(r"\p{Cc}"), " "), forms[form](), normalizers.Strip()]
    own = [] if copy.normalizer is None else [copy.normalizer]
    copy.normalizer = normalizers.Sequence([*first, *own])
    copy.no_truncation()
    copy.no_padding()
    return copy
