"""Texts that others hold: exactly those that comparing all pairs would give."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tunesmith.data import parts_of_others as module
from tunesmith.data.fold import folded
from tunesmith.data.grouping import Joined, is_giant
from tunesmith.data.parts_of_others import parts_of_others
from tunesmith.data.read import read_table

_LEAST = 16


def by_all_pairs(texts: list[str]) -> tuple[list[int], list[bool]]:
    """The definition: look for every text in every other one."""
    plain = folded(texts)
    joined, is_part = Joined(len(texts)), [False] * len(texts)
    for one, part in enumerate(plain):
        for other, whole in enumerate(plain):
            if part == whole:
                joined.join(one, other)
            elif len(part) >= _LEAST and part in whole:
                joined.join(one, other)
                is_part[one] = True
    return joined.names().tolist(), is_part


def cut_texts(lot: random.Random, n_texts: int) -> list[str]:
    """Sentences, and pieces cut from them at any place, of all sizes."""
    words = ["".join(lot.choices("abcdefgé中文ß", k=lot.randrange(1, 8))) for _ in range(200)]
    texts = ["", "?!", "a" * 15, "b" * 16, "a" * 17, "b" * 40]
    while len(texts) < n_texts:
        if lot.random() < 0.5:
            texts.append(" ".join(lot.choices(words, k=lot.randrange(1, 30))))
        else:
            text = lot.choice(texts)
            start = lot.randrange(len(text) + 1)
            texts.append(text[start : start + lot.randrange(50)].upper())
    return texts


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_what_all_pairs_say(seed: int) -> None:
    """No part is missed, none is made up, and groups are those that hang together."""
    texts = cut_texts(random.Random(seed), 300)
    found = parts_of_others(texts)
    groups, is_part = by_all_pairs(texts)
    assert found.groups.tolist() == groups
    assert found.is_part.tolist() == is_part
    assert 20 < sum(is_part) < 280


def test_slabs_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small slabs of texts find the same as one."""
    texts = cut_texts(random.Random(3), 300)
    whole = parts_of_others(texts)
    monkeypatch.setattr(module, "_SLAB", 50)
    again = parts_of_others(texts)
    assert again.groups.tolist() == whole.groups.tolist()
    assert again.is_part.tolist() == whole.is_part.tolist()


def test_a_text_whose_halves_are_elsewhere_is_part_of_nothing() -> None:
    """Each of its grams is in another text, and the whole in none."""
    text = "abcdefghijklmnopqrstuvwxyz0123456789äöüø"
    halves = [text[:30] + 20 * "7", 20 * "7" + text[12:]]
    assert not parts_of_others([text, *halves]).is_part.any()


def test_a_common_phrase_ties_nothing_together() -> None:
    """What more texts say than would be quoting one is but a way to speak."""
    phrase = "thank you very much for your help"
    few, many = ([phrase, *(f"{phrase}, number {row:02d}" for row in range(n))] for n in (60, 70))
    assert parts_of_others(few).is_part.tolist() == [True, *[False] * 60]
    assert len(set(parts_of_others(few).groups.tolist())) == 1
    assert not parts_of_others(many).is_part.any()


@pytest.mark.parametrize("texts", [[], [""], ["short", "a short one"], ["the very same words here"] * 3])
def test_nothing_is_part_of_another(texts: list[str]) -> None:
    """Of equal texts none is part of the other; they are one group."""
    found = parts_of_others(texts)
    assert not found.is_part.any()
    assert len(set(found.groups.tolist())) == len(set(texts))


def test_phrases_of_reviews_are_found(real_data: Path) -> None:
    """SST-2 trains on phrases cut from its sentences: two rows of three."""
    texts = read_table(real_data / "sst2_glue" / "train.csv").columns["text"]
    found = parts_of_others(texts)
    assert 0.6 < found.is_part.mean() < 0.7
    assert not is_giant(found.groups)
    assert texts[0] == "hide new secretions from the parental units"
    assert found.is_part[0]
