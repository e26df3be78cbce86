"""Our models in the classes of transformers, which itself loads and runs them here.

Tolerance: logits here are of size 20 and sums of 32 products; the lift over GELU and ReLU costs one digit of float32's
seven: they are held to 5e-4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.export.tiny_models import TEXTS, tiny_model
from tests.numbers.test_hf_parity import real_base
from transformers import AutoModelForSequenceClassification

from tunesmith.bundle.kinds.encoder import EncoderModel
from tunesmith.data import padding
from tunesmith.data.padding import padded_batches
from tunesmith.export.parity import expected_of
from tunesmith.export.reading import hf_labels
from tunesmith.export.source import Model
from tunesmith.export.stock import SHAPES, _last_norm, mirror_of, stock_of
from tunesmith.files.atomic import write_json
from tunesmith.files.tensors import save_tensors
from tunesmith.models.architectures import ARCHITECTURES
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.runtimes.torch import encode_poolings
from tunesmith.tasks import Calibration, Coding, load_task

SHORT = [text for text in TEXTS if len(text) < 20]


def without_constant(model: Model) -> Model:
    """Let the last LayerNorm leave nothing along the direction in which all tokens are alike.

    Trained encoders all but do; the large random shifts of ours do not.
    """
    encoder = model.encoder.classifier.encoder
    if isinstance(encoder, FlatEncoder):
        norm = encoder.layers[-1].output_norm
        gain, shift = norm.weight, norm.bias
    else:
        weights = dict(encoder.module.named_parameters())
        name = _last_norm(model, SHAPES[model.config.model_type])
        gain, shift = weights[f"{name}.weight"], weights.get(f"{name}.bias")
    if shift is not None:
        with torch.no_grad():
            along = 1.0 / gain
            shift -= along * (shift @ along) / (along @ along)
    return model


def answered(model: Model, folder: Path, texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Logits of the class that transformers builds from our files, padding and a mask in every batch."""
    folder.mkdir(exist_ok=True)
    pooling = model.encoder.pooling
    tokens = model.tokens(texts)
    vectors = encode_poolings(model.encoder.classifier.encoder, tokens, [pooling])[pooling]
    stock = stock_of(model, vectors.astype(np.float64))
    write_json(folder / "config.json", stock.config)
    save_tensors(folder / "model.safetensors", stock.state())
    loaded, told = AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True, local_files_only=True
    )
    assert type(loaded).__name__ == SHAPES[model.config.model_type].name == stock.config["architectures"][0]
    assert not told["missing_keys"], told
    assert not told["unexpected_keys"], told
    assert not told["mismatched_keys"], told
    assert tuple(loaded.config.id2label.values()) == hf_labels(model)
    found = np.empty((len(texts), model.n_outputs))
    for batch in padded_batches(tokens, model.inputs, pad_token_id=model.config.pad_token_id):
        inputs = {name: torch.from_numpy(values) for name, values in batch.inputs.items()}
        with torch.inference_mode():
            found[batch.sequences] = loaded.eval()(**inputs).logits.numpy()
    return found


def assert_exact(model: Model, folder: Path, texts: list[str]) -> None:
    """Hold the class to our engine."""
    expected = expected_of(model, texts)
    assert expected.n_windows.max() == 1
    assert len(set(map(len, texts))) > 1
    logits, scale = expected.said.logits, model.coding.spread
    assert np.abs(np.diff(logits, axis=0)).max() > 0.3, "texts answered alike prove nothing"
    np.testing.assert_allclose(answered(model, folder, texts), logits, rtol=0, atol=5e-4 * scale)


def test_every_architecture_has_a_class() -> None:
    """One that a bundle may have and that could not be exported would be met by a user first."""
    assert sorted(SHAPES) == sorted(ARCHITECTURES)


@pytest.mark.parametrize("model_type", sorted(set(SHAPES) - {"mpnet"}))
def test_an_average_scaled_to_length_1_is_exact(model_type: str, tmp_path: Path) -> None:
    """What the ladder makes nearly always; MPNet alone has no such form."""
    model = without_constant(tiny_model(tmp_path / "base", model_type, tokenizer="wordpiece"))
    assert_exact(model, tmp_path / "out", SHORT)


@pytest.mark.parametrize("model_type", sorted(set(SHAPES) - {"modernbert"}))
def test_a_first_token_as_it_is_is_exact(model_type: str, tmp_path: Path) -> None:
    """Through the activation of each head, where it is straight."""
    model = tiny_model(tmp_path / "base", model_type, pooling="cls", unit_length=False, tokenizer="wordpiece")
    assert_exact(model, tmp_path / "out", SHORT)


def test_modernbert_scales_a_first_token_too(tmp_path: Path) -> None:
    """It has the LayerNorm for it in its head."""
    assert_exact(tiny_model(tmp_path / "base", "modernbert", pooling="cls"), tmp_path / "out", SHORT)


def test_groups_of_albert_s_layers_are_told_apart(tmp_path: Path) -> None:
    """Two layers a group, two groups: each layer gets the weights of its own group."""
    shape = {"num_hidden_layers": 4, "num_hidden_groups": 2, "tokenizer": "wordpiece"}
    model = without_constant(tiny_model(tmp_path / "base", "albert", **shape))
    assert_exact(model, tmp_path / "out", SHORT)


@pytest.mark.parametrize("task", ["binary", "multi_label", "ordinal", "score"])
def test_every_task_has_its_outputs(task: str, tmp_path: Path) -> None:
    """As many as the class is told to have, in the unit of the answers."""
    assert_exact(without_constant(tiny_model(tmp_path / "base", task=task)), tmp_path / "out", SHORT)


@pytest.mark.parametrize("part", ["temperature", "mirror", "mask"])
def test_a_part_left_out_is_found(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison must see each of them."""
    model = without_constant(tiny_model(tmp_path / "base", "bert"))
    expected = expected_of(model, SHORT).said.logits
    match part:
        case "temperature":
            monkeypatch.setattr(Model, "head", property(lambda self: _head_of(self.encoder)))
        case "mirror":
            monkeypatch.setattr("tunesmith.export.stock.mirror_of", lambda direction: np.eye(len(direction)))
        case _:
            monkeypatch.setattr("tests.export.test_stock.padded_batches", _unmasked)
    assert np.abs(answered(model, tmp_path / "out", SHORT) - expected).max() > 1e-2


def _head_of(encoder: EncoderModel) -> tuple[object, object]:
    head = encoder.classifier.head
    return head.weight.detach().double().numpy(), head.bias.detach().double().numpy()


def _unmasked(*tokens: object, **how: object) -> object:
    for batch in padding.padded_batches(*tokens, **how):
        batch.inputs["attention_mask"][:] = 1
        yield batch


def test_a_mirror_turns_the_direction_into_that_of_equal_features() -> None:
    """And turns it back; a direction that is there already stays."""
    direction = np.random.default_rng(0).normal(size=9)
    direction /= np.linalg.norm(direction)
    equal = np.full(9, 1 / 3)
    mirror = mirror_of(direction)
    np.testing.assert_allclose(mirror @ direction, equal, atol=1e-12)
    np.testing.assert_allclose(mirror @ mirror, np.eye(9), atol=1e-12)
    np.testing.assert_allclose(mirror_of(equal) @ equal, equal, atol=1e-12)


def test_the_real_base_is_exact_as_it_is(tmp_path: Path) -> None:
    """The default base model leaves no constant: some of its last gains are 0."""
    folder = real_base()
    config = read_encoder_config(folder)
    head = LinearHead(config.hidden_size, 3)
    with torch.no_grad():
        head.weight.copy_(8.0 * torch.randn(head.weight.shape, generator=torch.Generator().manual_seed(0)))
    classifier = EncoderClassifier(load_encoder(folder, config), "mean", head, unit_length=True).eval()
    encoder = EncoderModel(classifier, load_tokenizer(folder), folder, 256)
    model = Model(
        encoder=encoder,
        task=load_task("single_label"),
        coding=Coding(labels=("a", "b", "c")),
        calibration=Calibration(1.3),
        form="NFC",
        licence="apache-2.0",
    )
    texts = ["", "card", "where is my card?", "the card I ordered two weeks ago has still not arrived " * 9]
    assert_exact(model, tmp_path, texts)
