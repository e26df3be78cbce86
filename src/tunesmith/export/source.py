"""What every target starts from: an encoder's model and the few facts of its bundle that decide an answer.

This is the one place that reads ``Facts`` for an export; a target sees a ``Model`` and nothing else of the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers
from torch import nn

from tunesmith.bundle.kinds.encoder import EncoderModel, EncoderPredictor
from tunesmith.bundle.load import Bundle
from tunesmith.data.prepare import Form
from tunesmith.data.tokenize import TokenSet, plain_pieces, tokenize
from tunesmith.errors import ConfigError
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders import grouped

KIND = "encoder"
TASK = "single_label"

_PROBES = ("a", "1", "a b", "。")


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around a window, and the token types of the three parts."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    types_before: tuple[int, ...]
    type_inside: int
    types_after: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """An encoder under a head, as an export needs it."""

    encoder: EncoderModel
    labels: tuple[str, ...]
    temperature: float
    """Divides the logits; every target folds it into the head."""
    form: Form
    """Normal form of the texts."""
    licence: str
    """Of the base model's weights."""

    @property
    def config(self) -> EncoderConfig:
        """The encoder's shape."""
        config: EncoderConfig = self.encoder.classifier.encoder.config  # type: ignore[assignment]
        return config

    @cached_property
    def module(self) -> nn.Module:
        """The encoder as transformers runs it, with padding and a mask; the flat engine knows neither."""
        ours = self.encoder.classifier.encoder
        if isinstance(ours, grouped.GroupedEncoder):
            return ours.module
        return grouped.build(self.config, ours.hf_state(), grouped.Options()).module.eval()

    @cached_property
    def takes_types(self) -> bool:
        """Whether the encoder tells token types apart; some have a table of one row, which changes nothing."""
        table = self.encoder.classifier.encoder.hf_state().get("embeddings.token_type_embeddings.weight")
        return table is not None and len(table) > 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the encoder's inputs."""
        return ("input_ids", "attention_mask", *(["token_type_ids"] if self.takes_types else []))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer with the preparation of texts built in, so that a file of it reads a text as we do."""
        return with_preparation(self.encoder.tokenizer, self.form)

    @cached_property
    def frame(self) -> Frame:
        """What the tokenizer puts around a window."""
        return frame_of(self.encoder.tokenizer)

    def tokens(self, texts: Sequence[str]) -> TokenSet:
        """Turn texts into windows by the tokenizer that is exported.

        Args:
            texts: As the user wrote them.

        Returns:
            One row a text.
        """
        return tokenize(texts, self.tokenizer, max_seq_length=self.encoder.max_seq_length)

    @cached_property
    def head(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weight ``[C, H]`` and bias ``[C]`` of the head, divided by the temperature: its logits are calibrated."""
        head = self.encoder.classifier.head
        weight, bias = (part.detach().double().numpy() / self.temperature for part in (head.weight, head.bias))
        return weight, bias


def model_of(bundle: Bundle) -> Model:
    """Take from a bundle what an export needs.

    Args:
        bundle: Verified; its weights are loaded here.

    Returns:
        The model.

    Raises:
        ConfigError: ``kind-not-exportable`` or ``task-not-exportable``.
        ArtifactError: The bundle was replaced or does not fit together.
    """
    facts = bundle.facts
    if facts.kind != KIND:
        raise ConfigError(
            "kind-not-exportable",
            f"a model of kind {facts.kind} cannot be exported: no other format counts words and characters as it does",
            where=str(bundle.folder),
            found=f"kind {facts.kind}, rung {facts.rung}",
            allowed=f"kind {KIND}",
            advice="train with --rungs probe,finetune to get an encoder, or answer with: tunesmith predict",
        )
    if facts.task != TASK or facts.reads_pairs:
        raise ConfigError(
            "task-not-exportable",
            "models of this task cannot be exported yet",
            where=str(bundle.folder),
            found=f"task {facts.task}{' of pairs' * facts.reads_pairs}",
            allowed=f"task {TASK} of single texts",
            advice="answer with: tunesmith predict",
        )
    predictor = bundle.predictor
    assert isinstance(predictor, EncoderPredictor), "the kind says so"
    return Model(
        encoder=predictor.model,
        labels=facts.labels,
        temperature=facts.temperature,
        form=facts.text.normalise,
        licence=facts.base.licence if facts.base else "unknown",
    )


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


def frame_of(tokenizer: Tokenizer) -> Frame:
    """Learn the special tokens around a window from a short text and the tokens that are its own.

    Args:
        tokenizer: Left as it is.

    Returns:
        The frame.

    Raises:
        ConfigError: ``tokenizer-unusable``, no short text has a token.
    """
    for probe in _PROBES:
        inside = plain_pieces([probe], tokenizer)[0].tolist()
        if inside:
            break
    else:
        raise ConfigError("tokenizer-unusable", "the tokenizer makes no token of plain letters or digits")
    framed = tokenize([probe], tokenizer, max_seq_length=1_000_000)
    ids, n_inside = framed.input_ids.tolist(), len(inside)
    types = [0] * len(ids) if framed.token_type_ids is None else framed.token_type_ids.tolist()
    first = next(at for at in range(len(ids)) if ids[at : at + n_inside] == inside)
    last = first + n_inside
    return Frame(tuple(ids[:first]), tuple(ids[last:]), tuple(types[:first]), types[first], tuple(types[last:]))
