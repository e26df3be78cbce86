"""Bag of words: it learns, says the same after reload, and holds what its parts promise."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.models.wanted import classes

from tunesmith.errors import ArtifactError, ShapeError
from tunesmith.models.bag_of_words import BagOfWords, fit_bag_of_words
from tunesmith.models.ngrams import CHARACTERS, WORDS, Lines, term_numbers
from tunesmith.models.sparse_rows import SparseRows, stacked
from tunesmith.models.tfidf import fit_terms, slabs

SUBJECTS = ["card", "pin", "refund", "transfer"]
PHRASES = [
    "where is my {}",
    "my {} is late",
    "I need a new {} please",
    "what happened to the {}?",
    "Cancel my {}!",
    "the {} does not work",
]


def tickets(n_rows: int = 120, *, seed: int = 0) -> tuple[list[str], NDArray[np.int64]]:
    """Texts about four subjects, in a few phrases."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(len(SUBJECTS), size=n_rows)
    return [PHRASES[generator.integers(len(PHRASES))].format(SUBJECTS[target]) for target in targets], targets


@pytest.fixture(scope="module")
def model() -> BagOfWords:
    """Fitted on the tickets."""
    texts, targets = tickets()
    return fit_bag_of_words(texts, classes(targets, len(SUBJECTS)))


def test_it_learns_and_reads_through_typing_errors(model: BagOfWords) -> None:
    """Unseen phrases and misspelt subjects must be told apart by their pieces."""
    logits = model.logits(["lost the CARD", "pins??", "refnd refunds", "a transferr"])
    assert logits.dtype == np.float32
    assert logits.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_it_is_the_same_after_reload(model: BagOfWords) -> None:
    """Through float32 tensors and JSON text, every logit must be the same to the last bit."""
    tensors, vocabulary = model.state()
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}
    again = BagOfWords.from_state(tensors, json.loads(json.dumps(vocabulary)))
    texts = [*tickets(50, seed=1)[0], "", "nothing known: ĸŋ"]
    np.testing.assert_array_equal(again.logits(texts), model.logits(texts))


def test_two_fits_are_the_same() -> None:
    """The same rows must give the same bits."""
    texts, targets = tickets()
    one, two = (fit_bag_of_words(texts, classes(targets, 4)).state() for _ in range(2))
    assert one[1] == two[1]
    for name, tensor in one[0].items():
        np.testing.assert_array_equal(tensor, two[0][name], err_msg=name)


def test_a_text_does_not_depend_on_its_neighbours(model: BagOfWords, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, in another order or in other slabs, a text has the same logits to the last bit."""
    texts, _ = tickets(60, seed=2)
    together = model.logits(texts)
    np.testing.assert_array_equal(np.concatenate([model.logits([text]) for text in texts]), together)
    np.testing.assert_array_equal(model.logits(texts[::-1]), together[::-1])
    monkeypatch.setattr("tunesmith.models.tfidf._SLAB_CHARACTERS", 100)
    np.testing.assert_array_equal(model.logits(texts), together)


def test_texts_without_a_known_term_get_the_bias(model: BagOfWords) -> None:
    """Empty and foreign texts must be answered, all alike."""
    bias = model.state()[0]["bias"]
    np.testing.assert_array_equal(model.logits(["", "   ", "ĸŋ"]), np.tile(bias, (3, 1)))
    assert model.logits([]).shape == (0, 4)


def test_any_string_can_be_answered(model: BagOfWords) -> None:
    """Control characters, lone surrogates and very long words must not stop a prediction."""
    logits = model.logits(["\ud800 card", "\x00\x01", "card" * 100_000, "👍🏽 card"])
    assert np.isfinite(logits).all()
    assert logits[3].argmax() == 0


def test_lone_surrogates_do_not_enter_the_vocabulary() -> None:
    """No UTF-8 file can hold one, so a term with one could not be saved."""
    model = fit_bag_of_words(["\ud800a card", "\ud800a pin"] * 3, classes([0, 1] * 3, 2))
    json.dumps(model.state()[1], ensure_ascii=False).encode("utf-8")


def test_rows_without_any_term_can_be_fitted() -> None:
    """With nothing to count, the model answers the most frequent class."""
    model = fit_bag_of_words(["", " ", ""], classes([1, 1, 0], 2))
    assert model.logits(["", "card"]).argmax(axis=1).tolist() == [1, 1]
    tensors, vocabulary = model.state()
    assert BagOfWords.from_state(tensors, vocabulary).logits(["x"]).shape == (1, 2)


def test_classes_without_rows_are_not_answered() -> None:
    """A fold may lack a class; its probability must be low, and everything finite."""
    texts, targets = tickets()
    logits = fit_bag_of_words(texts, classes(targets, 6)).logits(texts)
    assert np.isfinite(logits).all()
    assert logits.argmax(axis=1).max() == 3


def test_a_stronger_penalty_makes_smaller_weights() -> None:
    """The strength given must be the one used."""
    texts, targets = tickets()
    weak, strong = (fit_bag_of_words(texts, classes(targets, 4), l2=l2).state()[0] for l2 in (1e-4, 1e-1))
    assert np.abs(strong["words.weight"]).max() < 0.2 * np.abs(weak["words.weight"]).max()


def test_the_vocabulary_is_bounded_by_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many classes must not make a model that does not fit in memory: the most frequent terms are kept."""
    monkeypatch.setattr("tunesmith.models.bag_of_words._MOST_WEIGHTS", 40)
    monkeypatch.setattr("tunesmith.models.bag_of_words._LEAST_TERMS", 3)
    texts, targets = tickets()
    _, vocabulary = fit_bag_of_words(texts, classes(targets, 4)).state()
    assert len(vocabulary["words"]["terms"]) == 10
    assert {"my", "the"} <= set(vocabulary["words"]["terms"])


@pytest.mark.parametrize(
    ("texts", "targets", "message"),
    [
        (["a", "b"], [0], "2 texts, 1 targets"),
        ([], [], r"targets \(0,\)"),
        (["a"], [2], "classes are 0 to 1: targets lie in 2 to 2"),
        (["a"], [-1], "classes are 0 to 1: targets lie in -1 to -1"),
    ],
)
def test_misfits_are_refused(texts: list[str], targets: list[int], message: str) -> None:
    """Numbers that do not fit must be told."""
    with pytest.raises(ShapeError, match=message):
        fit_bag_of_words(texts, classes(targets, 2))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda tensors, vocabulary: tensors.pop("bias"), "tensors .* wanted"),
        (lambda tensors, vocabulary: tensors.pop("words.idf"), "tensors .* wanted"),
        (lambda tensors, vocabulary: vocabulary["words"]["terms"].pop(), "tensors .* wanted"),
        (lambda tensors, vocabulary: vocabulary["words"]["terms"].append(3), "the terms of words must be texts"),
        (lambda tensors, vocabulary: vocabulary["words"].pop("sizes"), "words must have sizes and terms"),
        (lambda tensors, vocabulary: vocabulary["characters"].update(sizes=[99]), "whole numbers from 1 to 10"),
        (lambda tensors, vocabulary: vocabulary["characters"].update(sizes=3), "whole numbers from 1 to 10"),
        (lambda tensors, vocabulary: vocabulary.update(other={}), "an object of words and characters"),
        (lambda tensors, vocabulary: vocabulary.clear(), "an object of words and characters"),
    ],
)
def test_a_damaged_state_is_refused(model: BagOfWords, damage, message: str) -> None:  # noqa: ANN001
    """What does not fit together must be an error of the artefact, not wrong answers."""
    tensors, vocabulary = model.state()
    tensors, vocabulary = dict(tensors), json.loads(json.dumps(vocabulary))
    damage(tensors, vocabulary)
    with pytest.raises(ArtifactError, match=message):
        BagOfWords.from_state(tensors, vocabulary)


def test_neither_fitting_nor_answering_imports_scikit_learn() -> None:
    """Its import alone costs a second, more than fitting a thousand rows."""
    code = (
        "import sys; from tests.models.wanted import classes\n"
        "from tunesmith.models.bag_of_words import fit_bag_of_words as fit\n"
        "fit(['a b', 'c d'], classes([0, 1], 2)).logits(['a'])\n"
        "sys.exit(','.join({'sklearn', 'scipy', 'transformers', 'pyarrow'} & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_banking77_is_learnt_in_seconds() -> None:
    """10,003 texts of 77 classes: above 91.2 % in less than 6 s of one core (91.9 % in 1.3 s when written)."""
    folder = Path(os.environ.get("TUNESMITH_DATA") or Path(__file__).parents[3] / "shared" / "data") / "banking77"
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; TUNESMITH_DATA can name it")
    parts = {}
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        parts[part] = [row["text"] for row in rows], [row["label"] for row in rows]
    labels = sorted(set(parts["train"][1]))
    targets = {part: np.array([labels.index(label) for label in found]) for part, (_, found) in parts.items()}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    started = time.process_time()
    model = fit_bag_of_words(parts["train"][0], classes(targets["train"], 77))
    seconds = time.process_time() - started
    right = model.logits(parts["test"][0]).argmax(axis=1) == targets["test"]
    torch.set_num_threads(threads)
    assert right.mean() > 0.912
    assert seconds < 6


def test_words_are_runs_of_letters_that_stay_in_their_text() -> None:
    """Pairs must not reach from one text into the next."""
    terms = fit_terms("words", (1, 2), ["One two", "", "three"], min_rows=1, max_terms=99)
    assert terms.terms == ("one", "one two", "three", "two")


def test_pieces_stay_in_their_word_and_its_spaces() -> None:
    """Runs of characters hold a space only at their ends."""
    found = CHARACTERS.occurrences(["ab c", "d"], sizes=[2, 3, 4])
    lines = [" ab c", " d"]
    pieces = [
        f"{lines[row]} "[offset : offset + length]
        for row, offset, length in zip(found.rows, found.offsets, found.lengths, strict=True)
    ]
    assert pieces == [" a", "ab", "b ", " c", "c ", " d", "d ", " ab", "ab ", " c ", " d ", " ab "]


def test_numbers_tell_terms_apart() -> None:
    """200,000 different terms must have as many numbers, and each the same one wherever it stands."""
    terms = [f"{k:x} {k % 7}" for k in range(200_000)]
    assert len(np.unique(term_numbers(terms))) == len(terms)
    found = WORDS.occurrences(["x y z", "y z"], sizes=[2])
    assert found.numbers[1] == found.numbers[2] == term_numbers(["y z"])[0]
    assert Lines([" ab"]).numbers(np.array([1]), np.array([3]))[0] == term_numbers(["ab"])[0]


def test_frequent_terms_are_kept_where_there_are_too_many() -> None:
    """The bound drops the rarest."""
    terms = fit_terms("words", (1,), ["a b c", "a b", "a d"], min_rows=1, max_terms=2)
    assert terms.terms == ("a", "b")


def test_rows_have_unit_length_and_rare_terms_weigh_more() -> None:
    """A term of one text outweighs one of all."""
    weighed = fit_terms("words", (1,), ["a b", "a c", "a d"], min_rows=1, max_terms=9).weigh(["a b", "a a a"])
    np.testing.assert_allclose([np.linalg.norm(weighed.values[:2]), weighed.values[2]], 1.0, rtol=1e-6)
    assert weighed.values[1] > 1.5 * weighed.values[0]


def test_slabs_hold_all_texts_in_order() -> None:
    """No text may be lost or doubled where slabs are cut."""
    texts = ["x" * 200_000, "", "y" * 100_000, "z" * 300_000, "", "w"]
    cut = [list(slab) for slab in slabs(texts)]
    assert [text for slab in cut for text in slab] == texts
    assert [len(slab) for slab in cut] == [3, 1, 2]


def test_sparse_products_are_dense_products() -> None:
    """Rows, transposed rows and stacked rows, empty ones at both ends included."""
    dense = np.array([[0, 0, 0], [1, 0, 2], [0, 0, 0], [3, 4, 0], [0, 0, 0]], np.float32)
    rows, columns = dense.nonzero()
    sparse = SparseRows(
        columns.astype(np.int32), dense[rows, columns], np.searchsorted(rows, np.arange(5)).astype(np.int32)
    )
    table = torch.arange(6, dtype=torch.float32).reshape(3, 2)
    other = torch.arange(10, dtype=torch.float32).reshape(5, 2)
    torch.testing.assert_close(sparse.times(table), torch.from_numpy(dense) @ table)
    torch.testing.assert_close(sparse.transposed(3).times(other), torch.from_numpy(dense.T) @ other)
    twice = stacked([sparse, sparse])
    torch.testing.assert_close(twice.times(table), torch.from_numpy(np.concatenate([dense, dense])) @ table)
