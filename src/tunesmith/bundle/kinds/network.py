"""``network``: a network trained from scratch, with its words, its pooling and its head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tunesmith.bundle.encoder_model import EncoderModel, EncoderPredictor, predictor_of
from tunesmith.bundle.schema import Facts, TokenFacts
from tunesmith.config import problems_of
from tunesmith.data.joined import JOINED
from tunesmith.errors import ArtifactError, quote
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.checkpoint import refuse_missing, refuse_shape
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.networks import NETWORKS
from tunesmith.models.pairings import load_pairing
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.models.word_network import NetworkShape, WordNetwork

FILES = ("model.safetensors", "network.json", "tokenizer.json")
SHARES_BASE = False
predictor = predictor_of

_LONGEST_WINDOW = 16_384
"""Tokens; more than any base model reads at once, and few enough for attention over all of them."""
_MOST_BYTES = 64 * 1024
_HEAD = ("head.weight", "head.bias")


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Network, head and tokenizer.
    """
    network = model.classifier.encoder
    assert isinstance(network, WordNetwork), "the kind says so"
    save_tensors(folder / "model.safetensors", model.classifier.state_dict())
    write_json(folder / "network.json", network.shape.model_dump(mode="json"))
    write_text(folder / "tokenizer.json", model.tokenizer.to_str())


def load(folder: Path, facts: Facts) -> EncoderPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode.

    Raises:
        ArtifactError: The shape is not valid, or weights, words and labels do not fit together.
    """
    tokens = _checked_tokens(folder, facts)
    shape = _read_shape(folder / "network.json")
    joins = tokens.pairing == JOINED
    pairing = None if joins else tokens.pairing
    with torch.device("meta"):  # shapes only: the memory is the file's, however large a network claims to be
        network = WordNetwork(shape)
        width = network.hidden_size if pairing is None else load_pairing(pairing).width(network.hidden_size)
        classifier = EncoderClassifier(
            network,
            tokens.pooling,
            LinearHead(width, facts.n_outputs),
            unit_length=tokens.unit_length,
            pairing=pairing,
        )
    weights = load_tensors(folder / "model.safetensors")
    expected = classifier.state_dict()
    _refuse_misfits(weights, expected, shape, where=str(folder / "model.safetensors"))
    state = {name: weights[name].to(tensor.dtype) for name, tensor in expected.items()}
    classifier.load_state_dict(state, assign=True)
    classifier.eval()
    model = EncoderModel(
        classifier=classifier,
        tokenizer=load_tokenizer(folder),
        base_folder=folder,
        max_seq_length=tokens.max_seq_length,
        joins=joins,
    )
    return EncoderPredictor(model)


def _checked_tokens(folder: Path, facts: Facts) -> TokenFacts:
    """Make sure that the description says how texts become tokens, and in windows that can be read."""
    if facts.tokens is None:
        raise ArtifactError("facts-damaged", "a network bundle must say its tokens", where=str(folder))
    if facts.tokens.max_seq_length > _LONGEST_WINDOW:
        raise ArtifactError(
            "facts-damaged",
            "the windows are longer than a network reads",
            where=str(folder),
            found=f"tokens.max_seq_length = {facts.tokens.max_seq_length}",
            allowed=f"3 to {_LONGEST_WINDOW}",
        )
    return facts.tokens


def _read_shape(path: Path) -> NetworkShape:
    """Read and check ``network.json``."""
    values = read_json(path, max_bytes=_MOST_BYTES)
    problems = problems_of(NetworkShape, values) if isinstance(values, dict) else ["it is not a JSON object"]
    if not problems:
        problems = _network_problems(values["network"], values["options"])
    if problems:
        raise _damaged(path, "; ".join(problem[:200] for problem in problems[:4]))
    return NetworkShape.model_validate(values)


def _network_problems(name: str, options: Mapping[str, object]) -> list[str]:
    """Tell what is wrong with the kind of network, or with its options."""
    if name not in NETWORKS.names():
        return [f"network = {quote(name)}: known are {', '.join(NETWORKS.names())}"]
    return problems_of(NETWORKS.member(name).Options, options, where="options")


def _damaged(path: Path, found: str) -> ArtifactError:
    return ArtifactError(
        "network-damaged",
        "the network's description is not valid",
        where=str(path),
        found=found,
        advice="restore the folder from where it came, or train again",
    )


def _refuse_misfits(
    weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], shape: NetworkShape, *, where: str
) -> None:
    """Refuse weights of other shapes than network and labels say, and tokens of rows that the table does not have."""
    refuse_missing([name for name in expected if name not in weights], model_type=shape.network)
    heads = [[list(part[name].shape) for name in _HEAD] for part in (weights, expected)]
    if heads[0] != heads[1]:
        raise ArtifactError(
            "head-differs",
            "the head does not fit the network and the labels",
            where=where,
            found=str(heads[0]),
            allowed=str(heads[1]),
        )
    for name, tensor in expected.items():
        refuse_shape(name, weights[name].shape, tensor.shape)
    row_of = weights["encoder.words.row_of"]
    low, high = int(row_of.min()), int(row_of.max())
    if low < 0 or high >= shape.rows:
        raise ArtifactError(
            "weights-shape",
            "tokens have rows that the table of words does not have",
            where=where,
            found=f"rows {low} to {high}",
            allowed=f"0 to {shape.rows - 1}",
            advice="restore the folder from where it came, or train again",
        )
