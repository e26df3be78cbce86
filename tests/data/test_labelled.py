"""Taking texts and labels out of a table, and preparing them."""

from __future__ import annotations

import random
import unicodedata

import pytest

from tunesmith.data.columns import Columns
from tunesmith.data.labelled import Labelled, joined_texts, labelled
from tunesmith.data.places import Places
from tunesmith.data.prepare import PREPARATION, prepare_label, prepare_text
from tunesmith.data.table import Table
from tunesmith.errors import DataError

COLUMNS = Columns(("text",), "queue", ())


def table(texts: list[str], labels: list[str]) -> Table:
    """Make a table whose rows begin on line 2."""
    return Table({"text": texts, "queue": labels}, Places.of("tickets.csv", range(2, 2 + len(texts))))


def fault(texts: list[str], labels: list[str]) -> str:
    """Take what cannot be taken and give the whole message."""
    with pytest.raises(DataError, match=r"tickets\.csv") as caught:
        labelled(table(texts, labels), COLUMNS)
    return caught.value.render()


def test_texts_and_labels_are_prepared() -> None:
    """Texts and labels are NFC and stripped, labels keep their zeros and case, lines stay."""
    rows = labelled(table([" cafe\u0301\t", "b\x00c"], ["01 ", "1"]), COLUMNS)
    assert rows == Labelled(["café", "b c"], ["01", "1"], Places.of("tickets.csv", [2, 3]))


def test_several_columns_are_joined_in_the_order_asked_for() -> None:
    """An empty part leaves no double space."""
    data = Table({"a": ["x", ""], "b": [" y", "z"]}, Places.of("t.csv", [2, 3]))
    assert joined_texts(data, ("b", "a")) == ["y x", "z"]


def test_missing_labels_are_told_by_their_lines() -> None:
    """First line, how many, all lines, labels seen, and the flag that leaves them out."""
    message = fault(["a"] * 5, ["x", " ", "y", "", "x"])
    assert "error[label-missing]: tickets.csv:3: the label is empty" in message
    assert 'column "queue" is empty in 2 of 5 rows (lines 3, 5)' in message
    assert '2 labels seen: "x", "y"' in message
    assert "--drop-unlabelled" in message


def test_missing_labels_can_be_left_out() -> None:
    """The other rows stay, with their own lines, and it is noted."""
    rows = labelled(table(["a", "b", "c"], ["x", "", "y"]), COLUMNS, drop_unlabelled=True)
    assert (rows.texts, rows.labels, rows.places.numbers.tolist()) == (["a", "c"], ["x", "y"], [2, 4])
    assert rows.notes == ("1 row without a label was left out (line 3)",)


@pytest.mark.parametrize("drop", [False, True])
def test_no_label_at_all_is_told(drop: bool) -> None:
    """Where every label is empty there is nothing to leave out: the column is wrong."""
    with pytest.raises(DataError, match=r"label-missing.*\n.*all|empty in 2 of 2 rows") as caught:
        labelled(table(["a", "b"], ["", " "]), COLUMNS, drop_unlabelled=drop)
    assert "name the right column with --label" in caught.value.render()


def test_texts_that_are_all_empty_are_told() -> None:
    """The text column is wrong."""
    message = fault([" ", "\x00"], ["a", "b"])
    assert "error[text-missing]: tickets.csv: every text is empty" in message
    assert "--text" in message


def test_one_row_and_one_class_are_told() -> None:
    """Neither can be learnt from; both can be measured on."""
    assert "error[one-row]: tickets.csv:2: there is one labelled row only" in fault(["a"], ["x"])
    message = fault(["a", "b"], ["x", "x "])
    assert "error[one-class]: tickets.csv: all 2 rows have the same label" in message
    assert 'column "queue" is "x" throughout' in message
    for texts in (["a"], ["a", "b"]):
        assert labelled(table(texts, ["x"] * len(texts)), COLUMNS, may_be_uniform=True).texts == texts


def test_preparation_does_what_the_bundle_records() -> None:
    """NFC, controls to spaces, stripped; on any text, and a second time it changes nothing."""
    assert dict(PREPARATION) == {"normalise": "NFC", "control": "space", "strip": True}
    lot = random.Random(3)
    alphabet = [*map(chr, range(0, 0x250)), *"\u0300\u0301\u0323\u1100\u1161\u11a8\u2028\u3000\ud800\udfff😀각"]
    for _ in range(500):
        text = "".join(lot.choices(alphabet, k=lot.randrange(12)))
        prepared = prepare_text(text)
        assert prepare_text(prepared) == prepared == prepared.strip()
        assert unicodedata.is_normalized("NFC", prepared)
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in prepared)
    assert prepare_text("e\u0301\r\n\tx\ud800y") == "é   x y"
    assert prepare_label("\u00a0e\u0301 ") == "é"


@pytest.mark.parametrize("text", ["ＡＢＣ １２", "ﬁne", "①", "x\u00a0´y", "ｶﾞ", "²\x00³"])
def test_the_other_form_is_brought_about_once_and_for_all(text: str) -> None:
    """Applied again, or after the first form, nothing changes: a model sees at prediction what it saw in training."""
    found = prepare_text(text, "NFKC")
    assert prepare_text(found, "NFKC") == prepare_text(prepare_text(text), "NFKC") == found
    assert found != prepare_text(text)
    columns = Columns(("text", "more"), "label", ())
    table = Table({"text": ["a"], "more": [text], "label": ["x"]}, Places.of("a.csv", [2]))
    assert labelled(table, columns, normalise="NFKC", may_be_uniform=True).texts == [f"a {found}"]
