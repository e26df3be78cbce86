"""Texts that come again: computed once, remembered within bounds, and answered with the same bits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.repeats import Remembering
from tunesmith.types import Text


class Counting:
    """A model that says how long a text is, a little otherwise each time it is asked, and remembers what it was."""

    sees = "nothing"

    def __init__(self, *, has_tokens: bool = True) -> None:
        self.asked: list[list[Text]] = []
        self._has_tokens = has_tokens

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        self.asked.append(list(texts))
        if progress is not None:
            progress(len(texts), len(texts))
        lengths = np.array([len("".join(text)) for text in texts])
        logits = np.stack([lengths, lengths + len(self.asked) / 1024], axis=1).astype(np.float32)
        tokens = (lengths, np.ones_like(lengths)) if self._has_tokens else (None, None)
        return Outputs(logits, *tokens)

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        raise AssertionError("nobody asks for features here")


def test_each_different_text_is_computed_once() -> None:
    """Within a call and over calls; answers stand in the order asked for, with the bits of the first time."""
    model = Counting()
    remembering = Remembering(model)
    first = remembering.outputs(["bb", "a", "bb", "ccc"])
    again = remembering.outputs(["a", "dddd", "bb"])
    assert model.asked == [["bb", "a", "ccc"], ["dddd"]]
    assert first.logits[:, 0].tolist() == [2.0, 1.0, 2.0, 3.0]
    np.testing.assert_array_equal(again.logits[[0, 2]], first.logits[[1, 0]])
    assert again.n_tokens is not None
    assert again.n_tokens.tolist() == [1, 4, 2]
    assert again.n_windows is not None
    assert again.n_windows.tolist() == [1, 1, 1]
    assert remembering.outputs(["a", "a"]).logits.shape == (2, 2)
    assert len(model.asked) == 2, "all was known"


def test_pairs_are_told_apart_by_both_texts() -> None:
    """The same two in the other order are another pair."""
    model = Counting()
    remembering = Remembering(model)
    remembering.outputs([("a", "b"), ("b", "a"), ("a", "b")])
    assert model.asked == [[("a", "b"), ("b", "a")]]


def test_what_was_not_asked_for_longest_is_forgotten() -> None:
    """First by number of texts, then by their characters; a text longer than all room is never kept."""
    model = Counting()
    remembering = Remembering(model, most_texts=2, most_characters=10)
    for text in ("a", "b", "a", "c", "a", "b"):
        remembering.outputs([text])
    assert model.asked == [["a"], ["b"], ["c"], ["b"]]
    model.asked.clear()
    for text in ("x" * 9, "yy", "yy", "x" * 9, "z" * 11, "z" * 11):
        remembering.outputs([text])
    assert [each[0][0] for each in model.asked] == ["x", "y", "x", "z", "z"]


def test_a_model_without_tokens_has_none() -> None:
    """Nor where some texts are remembered."""
    remembering = Remembering(Counting(has_tokens=False))
    for texts in (["a"], ["a", "b"]):
        found = remembering.outputs(texts)
        assert found.n_tokens is None
        assert found.n_windows is None


def test_what_is_forgotten_is_computed_anew() -> None:
    """And remembered again."""
    model = Counting()
    remembering = Remembering(model, most_characters=4)
    remembering.outputs(["aaa"])
    remembering.forget()
    for _ in range(2):
        remembering.outputs(["aaa"])
    assert model.asked == [["aaa"], ["aaa"]]


def test_rows_are_copies() -> None:
    """Whoever changes an answer changes no later one."""
    remembering = Remembering(Counting())
    remembering.outputs(["a"]).logits[:] = 0.0
    assert remembering.outputs(["a", "a"]).logits[0, 0] == 1.0


def test_progress_is_that_of_what_is_computed() -> None:
    """And not told at all where nothing is."""
    told: list[tuple[int, int]] = []
    remembering = Remembering(Counting())
    for texts in (["a", "b"], ["b", "c"], ["c"]):
        remembering.outputs(texts, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 2), (1, 1)]


def test_several_threads_may_ask() -> None:
    """Each gets the answers to its own texts, and the bounds hold."""
    remembering = Remembering(Counting(), most_texts=8)
    wrong: list[str] = []

    def ask(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(300):
            texts = ["x" * int(n) for n in random.integers(1, 20, size=5)]
            if remembering.outputs(texts).logits[:, 0].tolist() != [float(len(text)) for text in texts]:
                wrong.append(texts[0])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(remembering._known) <= 8
    assert remembering._n_characters == sum(map(len, remembering._known))


@pytest.mark.parametrize("texts", [[], ["a"]])
def test_any_number_of_texts_may_be_asked(texts: list[str]) -> None:
    """None too, as far as the model itself answers none."""

    class Empty(Counting):
        def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
            return super().outputs(texts) if texts else Outputs(np.zeros((0, 2), np.float32), None, None)

    assert Remembering(Empty()).outputs(texts).logits.shape == (len(texts), 2)
