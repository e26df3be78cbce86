"""An encoder with its head: what the kinds ``encoder`` and ``adapter`` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.schema import Facts, MethodFacts, RuntimeFacts, TokenFacts
from tunesmith.data.joined import JOINED, tokens_of
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.added import merges
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import Encoder, pretrained
from tunesmith.models.encoder_config import EncoderConfig, read_encoder_config
from tunesmith.models.encoders import build_encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.pairings import load_pairing
from tunesmith.models.poolings import Pooling
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.runtimes.torch import encode, logits
from tunesmith.types import JSON, Text

PARTS = ("config.json", "tokenizer.json", "tokenizer_config.json", "head.safetensors")
"""Files of all but the encoder's weights."""


@dataclass(frozen=True, slots=True)
class EncoderModel:
    """An encoder with its head and what else a bundle of this kind needs."""

    classifier: EncoderClassifier
    tokenizer: Tokenizer
    base_folder: Path
    """Folder of the base model: its config, but for sizes that have changed, and its tokenizer settings are kept."""
    max_seq_length: int
    joins: bool = False
    """Whether both texts of a pair are read in one sequence."""
    method: MethodFacts | None = None
    """How the encoder was trained, where what was learnt lies beside the weights of the base; else None."""
    runtime: RuntimeFacts | None = None
    """What runs it, where it was made for running alone; else None."""

    def tokens(self, texts: Sequence[Text]) -> TokenSet:
        """Turn texts into tokens.

        Args:
            texts: Prepared; pairs where the model reads those.

        Returns:
            One row a text or pair.
        """
        return tokens_of(texts, self.tokenizer, max_seq_length=self.max_seq_length, joins=self.joins)

    @property
    def pooling(self) -> str:
        """How tokens become one vector."""
        return self.classifier.pooling

    @property
    def unit_length(self) -> bool:
        """Whether that vector is scaled to length 1."""
        return self.classifier.unit_length

    @property
    def pairing(self) -> str | None:
        """How the vectors of a pair become its features, or that it is read as one; None where a row is one text."""
        return JOINED if self.joins else self.classifier.pairing


class EncoderPredictor:
    """A loaded encoder.

    Args:
        model: Encoder, head and tokenizer.
        base: The encoder whose weights it shares with other models, kept alive for those that come after.
    """

    sees = "the vectors that its head sees"

    def __init__(self, model: EncoderModel, *, base: Encoder | None = None) -> None:
        self.model = model
        self._base = base

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts.

        Args:
            texts: Prepared as the bundle says.
            progress: Told tokens done and tokens in all.

        Returns:
            One row a text, in order.
        """
        tokens = self.model.tokens(texts)
        found = logits(self.model.classifier, tokens, progress=progress)
        return Outputs(logits=found, n_tokens=tokens.n_tokens, n_windows=tokens.n_windows())

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give the features of their head: see ``Predictor``."""
        classifier = self.model.classifier
        features = encode(classifier, self.model.tokens(texts), progress=progress)
        with torch.inference_mode():
            return Seen(features=features, logits=classifier.head(torch.from_numpy(features)).numpy())


def predictor_of(model: EncoderModel) -> EncoderPredictor:
    """Answer with a model in memory.

    Args:
        model: Its classifier is put in evaluation mode.

    Returns:
        The predictor.
    """
    model.classifier.eval()
    return EncoderPredictor(model)


def merged(model: EncoderModel) -> EncoderModel:
    """Work what was learnt beside a base model into its weights.

    Args:
        model: Of any method.

    Returns:
        The same model as one encoder saved whole; as it is where it is that already, or where no weights do the same.
    """
    encoder = pretrained(model.classifier.encoder)
    if model.method is None or not merges(encoder):
        return model
    plain = build_encoder(encoder.config, encoder.hf_state())
    return replace(model, classifier=model.classifier.with_encoder(plain).eval(), method=None)


def save_parts(folder: Path, model: EncoderModel) -> None:
    """Write all but the encoder's weights.

    Args:
        folder: An existing folder.
        model: Encoder, head and tokenizer.
    """
    write_json(folder / "config.json", _config_json(model))
    head, pool = model.classifier.head, model.classifier.pool
    learnt = {f"pooling.{name}": tensor for name, tensor in pool.state_dict().items()} if learns(pool) else {}
    save_tensors(folder / "head.safetensors", {"weight": head.weight.detach(), "bias": head.bias.detach()} | learnt)
    write_text(folder / "tokenizer.json", model.tokenizer.to_str())
    settings = model.base_folder / "tokenizer_config.json"
    told = read_json(settings) if settings.is_file() else {}
    write_json(folder / "tokenizer_config.json", _renumbered(told, model.tokenizer))


def _config_json(model: EncoderModel) -> dict[str, JSON]:
    """The config of the base, with what the encoder says otherwise: it may have been made smaller since."""
    told: dict[str, JSON] = read_json(model.base_folder / "config.json")
    said = pretrained(model.classifier.encoder).config.hf
    if said["vocab_size"] != told["vocab_size"]:
        told = {key: value for key, value in told.items() if not key.endswith("_token_id")}
    return told | {key: value for key, value in said.items() if told.get(key) != value}


def _renumbered(settings: JSON, tokenizer: Tokenizer) -> JSON:
    """Tokenizer settings with the numbers that special tokens have now: a vocabulary may have been made smaller."""
    told = settings.get("added_tokens_decoder") if isinstance(settings, dict) else None
    if not isinstance(told, dict):
        return settings
    now = {old: tokenizer.token_to_id(str(token["content"])) for old, token in told.items() if "content" in token}
    renumbered = {old if now.get(old) is None else str(now[old]): token for old, token in told.items()}
    return {**settings, "added_tokens_decoder": renumbered}


def checked_config(folder: Path, facts: Facts) -> tuple[EncoderConfig, TokenFacts]:
    """Read the encoder's shape and how texts become tokens, and hold them against one another.

    Args:
        folder: A verified bundle.
        facts: Its description.

    Returns:
        Both.

    Raises:
        ArtifactError: ``facts-damaged``, or the config is not valid.
    """
    if facts.tokens is None:
        raise ArtifactError("facts-damaged", f"a bundle of kind {facts.kind} must say its tokens", where=str(folder))
    config = read_encoder_config(folder)
    room = config.max_position_embeddings - config.position_offset
    if facts.tokens.max_seq_length > room:
        raise ArtifactError(
            "facts-damaged",
            "the windows are longer than the encoder can read",
            where=str(folder),
            found=f"tokens.max_seq_length = {facts.tokens.max_seq_length}",
            allowed=f"3 to {room}",
        )
    return config, facts.tokens


def load_parts(folder: Path, facts: Facts, tokens: TokenFacts, *, encoder: Encoder) -> EncoderModel:
    """Put pooling, head and tokenizer of a bundle to its encoder.

    Args:
        folder: A verified bundle.
        facts: Its description.
        tokens: How texts become tokens and vectors.
        encoder: With its weights.

    Returns:
        The model, in evaluation mode.

    Raises:
        ArtifactError: The head does not fit the encoder or the labels.
    """
    weights = load_tensors(folder / "head.safetensors")
    joins = tokens.pairing == JOINED
    pairing = None if joins else tokens.pairing
    n_features = encoder.hidden_size if pairing is None else load_pairing(pairing).width(encoder.hidden_size)
    head = LinearHead(n_features, facts.n_outputs)
    classifier = EncoderClassifier(encoder, tokens.pooling, head, unit_length=tokens.unit_length, pairing=pairing)
    learnt = classifier.pool.state_dict() if learns(classifier.pool) else {}
    _refuse_other_head(weights, {**head.state_dict(), **{f"pooling.{n}": t for n, t in learnt.items()}}, folder)
    head.load_state_dict({name: weights[name] for name in ("weight", "bias")})
    if learns(classifier.pool):
        classifier.pool.load_state_dict({name: weights[f"pooling.{name}"] for name in learnt})
    classifier.eval()
    return EncoderModel(
        classifier=classifier,
        tokenizer=load_tokenizer(folder),
        base_folder=folder,
        max_seq_length=tokens.max_seq_length,
        joins=joins,
        method=facts.method,
        runtime=facts.runtime,
    )


def learns(pool: Pooling) -> TypeGuard[nn.Module]:
    """Say whether a pooling has weights of its own.

    Args:
        pool: Any.

    Returns:
        True where it is a module.
    """
    return isinstance(pool, nn.Module)


def _refuse_other_head(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse weights of other names or shapes than head and pooling have."""
    found, allowed = ({name: list(tensor.shape) for name, tensor in part.items()} for part in (weights, expected))
    if found != allowed:
        raise ArtifactError(
            "head-differs",
            "the head does not fit the encoder and the labels",
            where=str(folder / "head.safetensors"),
            found=str(found),
            allowed=str(allowed),
        )
