"""``encoder``: a pretrained encoder, as it was or fine-tuned, a pooling and a linear head.

Its folder is also a valid sentence-transformers model: the same encoder and pooling without the head; but for a pooling
that learns, and for pairs read in one sequence: sentence-transformers knows neither, and gets the encoder alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from tokenizers import Tokenizer
from torch import nn

from tunesmith.bundle.kinds import Outputs
from tunesmith.bundle.schema import Facts
from tunesmith.data.joined import JOINED, tokens_of
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.pairings import load_pairing
from tunesmith.models.poolings import Pooling
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.runtimes.torch import logits
from tunesmith.types import JSON, Text

FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "head.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
)

_TEXTS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class EncoderModel:
    """An encoder with its head and what else a bundle of this kind needs."""

    classifier: EncoderClassifier
    tokenizer: Tokenizer
    base_folder: Path
    """Folder of the base model: its config and tokenizer settings are kept as they are."""
    max_seq_length: int
    joins: bool = False
    """Whether both texts of a pair are read in one sequence."""

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
    """

    def __init__(self, model: EncoderModel) -> None:
        self.model = model

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


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Encoder, head and tokenizer.
    """
    config = read_json(model.base_folder / "config.json")
    write_json(folder / "config.json", config)
    save_tensors(folder / "model.safetensors", model.classifier.encoder.hf_state())
    head, pool = model.classifier.head, model.classifier.pool
    learnt = {f"pooling.{name}": tensor for name, tensor in pool.state_dict().items()} if _learns(pool) else {}
    save_tensors(folder / "head.safetensors", {"weight": head.weight.detach(), "bias": head.bias.detach()} | learnt)
    write_text(folder / "tokenizer.json", model.tokenizer.to_str())
    settings = model.base_folder / "tokenizer_config.json"
    write_json(folder / "tokenizer_config.json", read_json(settings) if settings.is_file() else {})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": model.max_seq_length, "do_lower_case": False})
    write_json(folder / "modules.json", _modules(model))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(folder / "1_Pooling" / "config.json", _pooling(model))


def load(folder: Path, facts: Facts) -> EncoderPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode.

    Raises:
        ArtifactError: The head does not fit the encoder or the labels.
    """
    if facts.tokens is None:
        raise ArtifactError("facts-damaged", "an encoder bundle must say its tokens", where=str(folder))
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
    encoder = load_encoder(folder, config)
    weights = load_tensors(folder / "head.safetensors")
    joins = facts.tokens.pairing == JOINED
    pairing = None if joins else facts.tokens.pairing
    n_features = encoder.hidden_size if pairing is None else load_pairing(pairing).width(encoder.hidden_size)
    head = LinearHead(n_features, facts.n_outputs)
    classifier = EncoderClassifier(
        encoder, facts.tokens.pooling, head, unit_length=facts.tokens.unit_length, pairing=pairing
    )
    learnt = classifier.pool.state_dict() if _learns(classifier.pool) else {}
    expected = {
        "weight": [facts.n_outputs, n_features],
        "bias": [facts.n_outputs],
        **{f"pooling.{name}": list(tensor.shape) for name, tensor in learnt.items()},
    }
    found = {name: list(tensor.shape) for name, tensor in weights.items()}
    if found != expected:
        raise ArtifactError(
            "head-differs",
            "the head does not fit the encoder and the labels",
            where=str(folder / "head.safetensors"),
            found=str(found),
            allowed=str(expected),
        )
    head.load_state_dict({name: weights[name] for name in ("weight", "bias")})
    if _learns(classifier.pool):
        classifier.pool.load_state_dict({name: weights[f"pooling.{name}"] for name in learnt})
    classifier.eval()
    model = EncoderModel(
        classifier=classifier,
        tokenizer=load_tokenizer(folder),
        base_folder=folder,
        max_seq_length=facts.tokens.max_seq_length,
        joins=joins,
    )
    return EncoderPredictor(model)


def predictor(model: EncoderModel) -> EncoderPredictor:
    """Answer with a model in memory.

    Args:
        model: Its classifier is put in evaluation mode.

    Returns:
        The predictor.
    """
    model.classifier.eval()
    return EncoderPredictor(model)


def _learns(pool: Pooling) -> TypeGuard[nn.Module]:
    """Whether a pooling has weights of its own."""
    return isinstance(pool, nn.Module)


def _modules(model: EncoderModel) -> JSON:
    names = ["Transformer"]
    if not (_learns(model.classifier.pool) or model.joins):
        names += ["Pooling", *(["Normalize"] if model.unit_length else [])]
    folders = ["", "1_Pooling", "2_Normalize"]
    return [
        {"idx": number, "name": str(number), "path": folders[number], "type": f"sentence_transformers.models.{name}"}
        for number, name in enumerate(names)
    ]


def _pooling(model: EncoderModel) -> JSON:
    return {
        "word_embedding_dimension": model.classifier.encoder.hidden_size,
        "pooling_mode_cls_token": model.pooling == "cls",
        "pooling_mode_mean_tokens": model.pooling == "mean",
        "pooling_mode_max_tokens": model.pooling == "max",
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
