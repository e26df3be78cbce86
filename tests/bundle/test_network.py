"""A bundle of the kind ``network`` that is not what it says it is: refused in words, before memory is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import N_WORDS
from tests.models.word_pieces import word_pieces
from tests.report.made_up import facts_of, outcome

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds import network as kind
from tunesmith.bundle.schema import Facts, TokenFacts
from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.machine.memory import peak_mib
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.word_network import NetworkShape, fresh_network, rows_of_tokens

NAMES = ("card", "delivery", "refund")
TEXTS = ["barin kedal", "stapek", "", "vorin vodal bapek"]

Change = Callable[[dict[str, Any]], object]


def facts(**tokens: Any) -> Facts:
    """What such a bundle says of itself."""
    made = facts_of(outcome("probe", names=NAMES, rows=60, with_test=True))
    told = TokenFacts(**{"max_seq_length": 32, "pooling": "max", "unit_length": False, **tokens})
    return made.model_copy(update={"kind": "network", "tokens": told, "base": None, "rung": "lstm"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny LSTM as it is saved."""
    tokenizer = word_pieces(["barin", "kedal", "stapek", "vorin", "vodal", "bapek"])
    row_of = rows_of_tokens(np.arange(5, 20, dtype=np.int32), N_WORDS)
    options = {"hidden_size": 6}
    shape = NetworkShape(
        network="lstm", options=options, embedding_size=8, word_size=8, rows=16, vocab_size=len(row_of)
    )
    network = fresh_network(shape, row_of, torch.Generator().manual_seed(0), unread=0.1)
    head = LinearHead(network.hidden_size, len(NAMES))
    with torch.no_grad():
        head.weight.normal_(generator=torch.Generator().manual_seed(1))
    classifier = EncoderClassifier(network, "max", head, unit_length=False)
    folder = tmp_path / "network"
    folder.mkdir()
    kind.save(folder, EncoderModel(classifier.eval(), tokenizer, tmp_path, 32))
    return folder


def change_json(folder: Path, change: Change) -> None:
    """Spoil network.json."""
    path = folder / "network.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def change_weights(folder: Path, change: Change) -> None:
    """Spoil the weights."""
    weights = load_tensors(folder / "model.safetensors")
    change(weights)
    save_tensors(folder / "model.safetensors", weights)


def test_a_sound_one_answers(folder: Path) -> None:
    """Whatever is in the text, nothing too."""
    logits = kind.load(folder, facts()).outputs(TEXTS).logits
    assert logits.shape == (len(TEXTS), len(NAMES))
    assert np.abs(np.diff(logits, axis=0)).max() > 1e-3


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda shape: shape.update(network="lstn"), "network = .*lstn.*lstm"),
        (lambda shape: shape.update(network="../cnn"), r"network = .*\.\./cnn"),
        (lambda shape: shape.pop("rows"), "rows"),
        (lambda shape: shape.update(rows=10**12), "rows = 1000000000000"),
        (lambda shape: shape.update(rows=-1), "rows = -1"),
        (lambda shape: shape.update(vocab_size="60"), "vocab_size"),
        (lambda shape: shape.update(word_size=10**9), "word_size = 1000000000"),
        (lambda shape: shape.update(embedding_size=10**9), "embedding_size = 1000000000"),
        (lambda shape: shape.update(auto_map="x"), "auto_map is not a known key"),
        (lambda shape: shape["options"].update(hidden_size=10**9), "options.hidden_size = 1000000000"),
        (lambda shape: shape["options"].update(num_hidden_layers=10**6), "options.num_hidden_layers = 1000000"),
        (lambda shape: shape["options"].update(filters=3), "options.filters is not a known key"),
        (lambda shape: shape.update(options=[]), "options"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(folder: Path, change: Change, found: str) -> None:
    """By the key that is wrong: sizes have bounds, kinds are those that there are, nothing else may be in it."""
    change_json(folder, change)
    with pytest.raises(ArtifactError, match=r"network\.json") as caught:
        kind.load(folder, facts())
    assert caught.value.code == "network-damaged"
    assert re.search(found, caught.value.found or "")


def test_a_shape_that_is_no_object_is_refused(folder: Path) -> None:
    """As is one that has no end."""
    (folder / "network.json").write_text("[1]", "utf-8")
    with pytest.raises(ArtifactError, match=r"network\.json") as caught:
        kind.load(folder, facts())
    assert caught.value.code == "network-damaged"
    (folder / "network.json").write_text(" " * 100_000, "utf-8")
    with pytest.raises(ArtifactError, match=r"network\.json"):
        kind.load(folder, facts())


@pytest.mark.parametrize(
    "change",
    [
        lambda shape: shape.update(rows=1_000_000, vocab_size=1_000_000),
        lambda shape: shape["options"].update(hidden_size=4096, num_hidden_layers=16),
        lambda shape: shape.update(embedding_size=8192, word_size=65_536),
    ],
)
def test_a_shape_that_claims_gigabytes_takes_none(folder: Path, change: Change) -> None:
    """The weights are held against it before any memory is taken but theirs."""
    change_json(folder, change)
    before = peak_mib()
    with pytest.raises(ArtifactError, match=r"of shape|missing") as caught:
        kind.load(folder, facts())
    assert caught.value.code in ("weights-shape", "weights-missing")
    assert peak_mib() - before < 200.0


def test_weights_that_are_not_there_are_missed(folder: Path) -> None:
    """By name."""
    change_weights(folder, lambda weights: weights.pop("encoder.words.table"))
    with pytest.raises(ArtifactError, match=r"encoder\.words\.table") as caught:
        kind.load(folder, facts())
    assert caught.value.code == "weights-missing"


@pytest.mark.parametrize("row", [-1, 16])
def test_a_token_without_a_row_is_refused(folder: Path, row: int) -> None:
    """It would be looked up beyond the table."""
    change_weights(folder, lambda weights: weights["encoder.words.row_of"].__setitem__(3, row))
    with pytest.raises(ArtifactError, match="rows") as caught:
        kind.load(folder, facts())
    assert (caught.value.code, caught.value.allowed) == ("weights-shape", "0 to 15")
    assert str(row) in (caught.value.found or "")


def test_windows_that_nobody_could_read_are_refused(folder: Path) -> None:
    """Attention over a million tokens would take terabytes."""
    with pytest.raises(ArtifactError, match="max_seq_length = 1000000") as caught:
        kind.load(folder, facts(max_seq_length=1_000_000))
    assert caught.value.code == "facts-damaged"


def test_a_bundle_that_does_not_say_its_tokens_is_refused(folder: Path) -> None:
    """A network reads nothing else."""
    with pytest.raises(ArtifactError, match="tokens") as caught:
        kind.load(folder, facts().model_copy(update={"tokens": None}))
    assert caught.value.code == "facts-damaged"


def test_a_tokenizer_of_another_model_is_told(folder: Path) -> None:
    """At the first token that has no row at all."""
    change_json(folder, lambda shape: shape.update(vocab_size=5))
    change_weights(
        folder, lambda weights: weights.update({"encoder.words.row_of": weights["encoder.words.row_of"][:5].clone()})
    )
    predictor = kind.load(folder, facts())
    with pytest.raises(ArtifactError, match="tokenizer knows tokens") as caught:
        predictor.outputs(TEXTS)
    assert caught.value.code == "tokenizer-differs"
