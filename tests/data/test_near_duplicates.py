"""Near-duplicates: exactly the groups that comparing all pairs would give, on real and on hostile texts."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from tunesmith.data import near_duplicates
from tunesmith.data.fold import folded
from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.data.read import read_table
from tunesmith.errors import ConfigError


def grams(text: str) -> set[str]:
    """Character 5-grams."""
    return {text[start : start + 5] for start in range(len(text) - 4)}


def groups_by_all_pairs(texts: list[str], threshold: float) -> list[int]:
    """The definition: compare every pair, then join what hangs together."""
    plain = folded(texts)
    sets = [grams(text) for text in plain]
    group = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            shared, union = len(sets[one] & sets[other]), len(sets[one] | sets[other])
            if plain[one] == plain[other] or (union and shared / union >= threshold - 1e-9):
                high, low = max(group[one], group[other]), min(group[one], group[other])
                group = [low if number == high else number for number in group]
    return group


def related_texts(lot: random.Random, n_texts: int) -> list[str]:
    """Texts of few words, many of them an earlier one with a small edit, of all sizes."""
    words = ["".join(lot.choices("abcdeé中文ß", k=lot.randrange(1, 7))) for _ in range(30)]
    texts = ["", "?!", "…", "abc", "abcd", "abcde"]
    while len(texts) < n_texts:
        if lot.random() < 0.4:
            texts.append(" ".join(lot.choices(words, k=lot.randrange(1, 40))))
        else:
            text = list(lot.choice(texts))
            for _ in range(lot.randrange(3)):
                at = lot.randrange(len(text) + 1)
                text[at : at + lot.randrange(2)] = lot.choice([[], ["x"], [" "], ["!"], ["A"]])
            texts.append("".join(text))
    return texts


@pytest.mark.parametrize("few_pairs", [-1, 10**9], ids=["equal hands", "rare grams"])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9, 0.97])
@pytest.mark.parametrize("seed", [0, 1])
def test_groups_are_those_of_all_pairs(
    monkeypatch: pytest.MonkeyPatch, few_pairs: int, threshold: float, seed: int
) -> None:
    """Neither way of proposing pairs misses one, whatever the sizes."""
    monkeypatch.setattr(near_duplicates, "_FEW_PAIRS", few_pairs)
    if few_pairs < 0:  # take the hands even where they are the dearer way
        rare, hands = near_duplicates._rare_postings, near_duplicates._hand_postings
        monkeypatch.setattr(near_duplicates, "_rare_postings", lambda *given: (rare(*given), hands(*given))[1])
    texts = related_texts(random.Random(seed), 160)
    found = near_duplicate_groups(texts, threshold=threshold)
    assert found.tolist() == groups_by_all_pairs(texts, threshold)
    assert found.dtype == np.int64
    assert len(set(found.tolist())) < 155


def test_slabs_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small slabs of texts give the same groups as one."""
    texts = related_texts(random.Random(5), 200)
    whole = near_duplicate_groups(texts)
    monkeypatch.setattr(near_duplicates, "_SLAB", 300)
    assert near_duplicate_groups(texts).tolist() == whole.tolist()
    monkeypatch.setattr(near_duplicates, "_SLAB_TEXTS", 7)
    assert near_duplicate_groups(texts).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my CARD?", "where is my card"),
        ("ﬁne, thanks", "Fine thanks!"),
        ("Straße 5", "STRASSE 5"),
        ("ＯＫ， ｂｙｅ １２", "ok bye 12"),
        ("ok ", "OK."),
        ("I lost my card", "i lost  my-card..."),
    ],
)
def test_texts_that_differ_in_form_only_are_equal(one: str, other: str) -> None:
    """Case, width, spaces and punctuation make no difference, at any length."""
    assert exact_groups([one, other]).tolist() == near_duplicate_groups([one, other]).tolist() == [0, 0]


@pytest.mark.parametrize(("one", "other"), [("", "?"), ("?", "!"), ("yes", "no"), ("👍", "👎"), ("1", "2"), ("a", "á")])
def test_short_texts_that_differ_stay_apart(one: str, other: str) -> None:
    """Below five characters only equal texts belong together; signs alone are texts, too."""
    assert exact_groups([one, other]).tolist() == [0, 1]
    assert near_duplicate_groups([one, other]).tolist() == [0, 1]


def test_groups_are_named_by_their_smallest_row() -> None:
    """Also where the first row joins late through another."""
    text = "I am still waiting for my new card, it should be here by now"
    assert near_duplicate_groups(["other", text, "else", text + "!", text + "x"]).tolist() == [0, 1, 2, 1, 1]


def test_light_edits_of_long_texts_are_found(real_data: Path) -> None:
    """Planted pairs of five kinds of edit are all found; rows that were apart stay apart."""
    texts = [t for t in read_table(real_data / "banking77" / "train.csv").columns["text"] if len(t) > 160][:200]
    edits = [
        lambda text: text.upper(),
        lambda text: text.replace(" ", "  ") + " ...",
        lambda text: text[:60] + text[61:],
        lambda text: text + "x",
        lambda text: "Hi " + text,
    ]
    before = len(set(near_duplicate_groups(texts).tolist()))
    planted = texts + [edit(text) for text in texts for edit in edits]
    groups = near_duplicate_groups(planted)
    assert all(groups[len(texts) + number] == groups[number // 5] for number in range(5 * len(texts)))
    assert len(set(groups.tolist())) == before


def test_one_giant_cluster_costs_no_more_than_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of letters that differ in a number are one group after a few rounds, not after all pairs."""
    rounds = []
    join = near_duplicates._join_pairs
    monkeypatch.setattr(near_duplicates, "_join_pairs", lambda *a, **k: (rounds.append(1), join(*a, **k))[1])
    lot = random.Random(1)
    body = "".join(lot.choices("abcdefghij", k=300))
    start = time.process_time()
    groups = near_duplicate_groups([f"{body} {number} {body[::-1]}" for number in range(1200)])
    assert set(groups.tolist()) == {0}
    assert len(rounds) < 10
    assert time.process_time() - start < 5


def test_a_shared_form_letter_does_not_slow_the_search() -> None:
    """Thousands of short notes in one form, alike but not near-duplicates, are told apart in seconds."""
    form = "Dear customer, thank you for your order. We are sorry to tell you that it will arrive late. "
    start = time.process_time()
    groups = near_duplicate_groups([f"{form} {number} {form}" for number in range(2000)])
    assert time.process_time() - start < 5
    assert len(set(groups.tolist())) > 1000


def test_a_threshold_out_of_range_is_refused() -> None:
    """Only a share from one half to below one."""
    with pytest.raises(ConfigError, match=r"threshold = 1\.0"):
        near_duplicate_groups(["a"], threshold=1.0)
    assert near_duplicate_groups([]).tolist() == []


def test_a_large_real_file_is_grouped_in_time(real_data: Path) -> None:
    """67,349 rows in less than six seconds of one core."""
    texts = read_table(real_data / "sst2_glue" / "train.csv").columns["text"]
    start = time.process_time()
    groups = near_duplicate_groups(texts)
    assert time.process_time() - start < 6
    sizes = np.bincount(groups)
    assert (len(set(groups.tolist())), sizes.max()) == (48_097, 13)
