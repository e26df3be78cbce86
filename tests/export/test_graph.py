"""Graphs of every architecture and tokenizer, run by ONNX Runtime and OpenVINO, answer as our engine does.

Tolerance: float32 over values of size 1 adds up in another order there, logits are of size 10: 1e-4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.export.tiny_models import EVERY, TEXTS, TOKENIZER_OF, tiny_model
from tests.models.tiny_encoders import FLAT, GROUPED

from tunesmith.data import padding
from tunesmith.data.tokenize import tokenize
from tunesmith.export import graph, padded
from tunesmith.export.parity import expected_of
from tunesmith.export.source import Model
from tunesmith.export.targets import TARGETS, Answers
from tunesmith.models.poolings import POOLINGS
from tunesmith.runtimes import graph as nodes
from tunesmith.runtimes.torch import encode
from tunesmith.types import Text


def rows_of(model: Model) -> list[Text]:
    """Texts, or pairs of them in which a long one meets a short one, another long one, and none."""
    return list(zip(TEXTS, TEXTS[3:] + TEXTS[:3], strict=True)) if model.pairs else list(TEXTS)


def answered(model: Model, folder: Path, target: str = "onnx") -> Answers:
    """What a runtime says of the texts after reading the files."""
    TARGETS.member(target).write(folder, model, None)
    found: Answers = TARGETS.member(target).load(folder).answers(rows_of(model))
    return found


def assert_same(model: Model, found: Answers) -> None:
    """Hold logits and probabilities to those of our engine."""
    expected = expected_of(model, rows_of(model))
    said = expected.said
    assert expected.is_whole.any()
    assert not expected.is_whole.all()
    assert np.abs(np.diff(said.logits, axis=0)).max() > 0.1, "texts that are all answered alike prove nothing"
    np.testing.assert_allclose(found.logits, said.logits, rtol=1e-4, atol=1e-4 * model.coding.spread)
    if said.probabilities is None:
        assert found.probabilities is None
    else:
        np.testing.assert_allclose(found.probabilities, said.probabilities, rtol=0, atol=1e-4)


def test_every_tokenizer_comes_up() -> None:
    """Each kind with some architecture, and each architecture."""
    assert sorted(TOKENIZER_OF) == sorted(FLAT + GROUPED)
    assert set(TOKENIZER_OF.values()) == {"wordpiece", "byte_pairs", "unigram", "bare"}


UNLIKE = ("bert", "modernbert", "xlm-roberta")
"""Architectures that read a text each in a way of its own, of either engine; ``make test-exports`` has them all."""


@pytest.mark.parametrize("model_type", TOKENIZER_OF if EVERY else UNLIKE)
def test_every_architecture_answers_the_same(model_type: str, tmp_path: Path) -> None:
    """Short texts and long ones, in batches with padding; of one layer, but ModernBERT's first is unlike the next."""
    layer = {} if model_type == "modernbert" else {"n_layers" if model_type == "distilbert" else "num_hidden_layers": 1}
    model = tiny_model(tmp_path / "base", model_type, **layer)
    assert_same(model, answered(model, tmp_path))


@pytest.mark.parametrize(
    ("task", "pairing"),
    [
        ("binary", None),
        ("multi_label", "symmetric"),
        *([("ordinal", None), ("multi_label", None), ("score", None)] if EVERY else []),
        *([("single_label", "ordered"), ("score", "symmetric")] if EVERY else []),
    ],
)
def test_every_task_answers_the_same(task: str, pairing: str | None, tmp_path: Path) -> None:
    """Of texts and of pairs, each of which may have several windows on either side."""
    model = tiny_model(tmp_path / "base", num_hidden_layers=1, task=task, pairing=pairing)
    assert_same(model, answered(model, tmp_path))


@pytest.mark.parametrize("model_type", ["bert", "roberta"] if EVERY else ["roberta"])
def test_pairs_read_as_one_answer_the_same(model_type: str, tmp_path: Path) -> None:
    """With the marks between the texts, whatever the kind of the tokens behind them."""
    layer = {"num_hidden_layers": 1}
    model = tiny_model(tmp_path / "base", model_type, task="binary", joins=True, **layer)
    assert_same(model, answered(model, tmp_path))


def test_openvino_answers_the_same(tmp_path: Path) -> None:
    """Its reader takes the sorting of levels and both texts of a pair too."""
    model = tiny_model(tmp_path / "base", num_hidden_layers=1, task="ordinal", pairing="ordered")
    assert_same(model, answered(model, tmp_path, "openvino"))


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("pooling", POOLINGS.names())
def test_every_pooling_is_the_padded_one(pooling: str, unit_length: bool, tmp_path: Path) -> None:
    """Whatever fills the places behind a text, its vector is the one that our head sees."""
    model = tiny_model(tmp_path, pooling=pooling, unit_length=unit_length)
    tokens = tokenize(TEXTS[:6], model.encoder.tokenizer, max_seq_length=14)
    module = padded.PaddedClassifier(model).eval()
    found = np.empty((len(tokens.offsets) - 1, model.config.hidden_size), dtype=np.float32)
    for batch in padding.padded_batches(tokens, model.inputs, pad_token_id=7):
        with torch.no_grad():
            found[batch.sequences] = module(*map(torch.from_numpy, batch.inputs.values()))[2].numpy()
    single = np.flatnonzero(tokens.n_windows() == 1)
    expected = encode(model.encoder.classifier, tokens)
    vectors = found[tokens.first_sequence[single]]
    if unit_length:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected[single], rtol=1e-5, atol=1e-5)


def test_batch_and_length_are_left_open(tmp_path: Path) -> None:
    """One text of one token, and many that fill every position."""
    import onnxruntime

    model = tiny_model(tmp_path / "base")
    graph.write_graphs(tmp_path, model)
    session = onnxruntime.InferenceSession(str(tmp_path / graph.MODEL), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == list(model.inputs)
    assert [each.name for each in session.get_outputs()] == ["logits", "probabilities", "vectors"]
    for shape in ((1, 1), (1, 24), (9, 2), (33, 24)):
        ones = np.ones(shape, dtype=np.int64)
        logits, shares, vectors = session.run(None, dict.fromkeys(model.inputs, ones))
        assert (logits.shape, shares.shape, vectors.shape) == ((shape[0], 3), (shape[0], 3), (shape[0], 32))
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)


def test_a_model_too_large_for_one_file_has_its_weights_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And answers all the same."""
    monkeypatch.setattr(graph, "_MOST_BYTES", 0)
    model = tiny_model(tmp_path / "base")
    found = answered(model, tmp_path)
    assert (tmp_path / "model.onnx.data").stat().st_size > (tmp_path / "model.onnx").stat().st_size / 10
    assert_same(model, found)


def _unmasked(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    del mask
    return hidden.mean(dim=1)


@pytest.mark.parametrize("model_type", ["bert", "mpnet"])
def test_a_pooling_that_ignores_the_mask_is_found(
    model_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison must see what padding does to an answer, of a graph written down as of one that was traced."""
    monkeypatch.setitem(padded.POOLINGS, "mean", _unmasked)
    ignoring = lambda made, texts, pool: made("ReduceMean", texts.hidden, made.constant([1]), keepdims=0)  # noqa: E731
    monkeypatch.setitem(nodes.POOLINGS, "mean", ignoring)
    model = tiny_model(tmp_path / "base", model_type, num_hidden_layers=1)
    found = answered(model, tmp_path)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(model, found)


def test_what_the_flat_engine_runs_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is traced, which takes longest."""
    traced = []
    monkeypatch.setattr(graph, "_trace_whole", lambda path, _: traced.append(path))
    for model_type in ("bert", "mpnet"):
        folder = tmp_path / model_type
        graph.write_graphs(folder, tiny_model(folder, model_type))
        assert (folder / graph.HEAD).is_file()
    assert traced == [tmp_path / "mpnet" / graph.MODEL]
    assert (tmp_path / "bert" / graph.MODEL).is_file()
