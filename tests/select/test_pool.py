"""Which rows may be proposed."""

from __future__ import annotations

from tunesmith.select.pool import open_rows

QUESTION = "I am still waiting for my new card, where is it now?"


def test_near_duplicates_are_proposed_once() -> None:
    """The first of them; empty texts never; each reason is counted."""
    pool = open_rows(["hello there", QUESTION, " ", QUESTION.upper(), f"{QUESTION}!!", "goodbye"])
    assert pool.rows.tolist() == [0, 1, 5]
    assert (pool.n_empty, pool.n_labelled, pool.n_repeated) == (1, 0, 2)
    assert pool.reasons() == ["1 without a text", "2 that are nearly an earlier row"]


def test_what_is_labelled_is_not_proposed() -> None:
    """Nor what nearly equals it, though the labelled rows are no rows of the file."""
    pool = open_rows(["hello there", QUESTION, QUESTION.lower()], [f"{QUESTION}s", "something else"])
    assert pool.rows.tolist() == [0]
    assert (pool.n_empty, pool.n_labelled, pool.n_repeated) == (0, 2, 0)


def test_rows_that_are_done_count_as_labelled() -> None:
    """They are not proposed, nor is what nearly equals them, though it stands before them."""
    pool = open_rows([QUESTION.lower(), "hello there", QUESTION, "goodbye", ""], ["goodbye"], done=[2])
    assert pool.rows.tolist() == [1]
    assert (pool.n_empty, pool.n_labelled, pool.n_repeated) == (1, 3, 0)
    assert pool.reasons() == ["1 without a text", "3 that are labelled, or nearly a labelled row"]


def test_pairs_are_repeated_where_both_texts_are() -> None:
    """A pair whose second text differs is another."""
    pool = open_rows([("where is it", "here"), ("where is it", "nowhere at all"), ("Where is it?", "here")])
    assert pool.rows.tolist() == [0, 1]


def test_texts_of_one_template_are_not_all_one() -> None:
    """Where most rows hang together through their neighbours, only equal ones are left out."""
    template = (
        "Dear customer, thank you for your order, which we have sent to you today; its number for our service is "
    )
    texts = [f"{template}{number}" for number in (*range(100, 130), 100)]
    assert open_rows(texts[:5]).rows.tolist() == [0], "few rows are no reason for doubt"
    pool = open_rows(texts)
    assert pool.rows.tolist() == list(range(30))
    assert pool.n_repeated == 1


def test_no_rows_are_no_pool() -> None:
    """And labelled rows alone propose nothing."""
    assert open_rows([], ["hello"]).rows.tolist() == []
