"""Findings: each kind of problem is found with its lines, and clean rows give none."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from tests.data.tiny_tokenizers import base_tokenizer
from tokenizers import Tokenizer

from tunesmith.data.check import Finding, check, check_pieces
from tunesmith.data.columns import Columns
from tunesmith.data.labelled import Labelled, labelled
from tunesmith.data.places import Places
from tunesmith.data.read import read_table

WORDS = "card late refund please where money order never arrived broken screen cancel account help thanks".split()


def clean_rows(n_rows: int = 80) -> Labelled:
    """Rows that give no finding: varied texts, two labels."""
    lot = random.Random(0)
    texts = [
        " ".join(lot.choices(WORDS, k=lot.randrange(6, 12))) + f" {chr(97 + n % 26) * (n % 5)}" for n in range(n_rows)
    ]
    return Labelled(texts, ["a", "b"] * (n_rows // 2), Places.of("t.csv", range(2, n_rows + 2)))


def found(rows: Labelled) -> dict[str, Finding]:
    """Findings by code."""
    return {finding.code: finding for finding in check(rows)}


def test_clean_rows_give_no_finding() -> None:
    """No false alarm."""
    assert check(clean_rows()) == []


def test_empty_texts_are_found() -> None:
    """Each empty text by its line; they are not duplicates of each other."""
    rows = clean_rows()
    rows.texts[3] = rows.texts[7] = ""
    assert set(found(rows)) == {"empty-text"}
    assert found(rows)["empty-text"] == Finding(
        "empty-text", "warning", 2, (5, 9), "2 rows with an empty text; they teach nothing"
    )


def one_text(text: str) -> Labelled:
    """Clean rows but for one text."""
    rows = clean_rows()
    rows.texts[4] = text
    return rows


def one_label(label: str) -> Labelled:
    """Clean rows but for one label."""
    rows = clean_rows()
    rows.labels[4] = label
    return rows


@pytest.mark.parametrize(
    ("rows", "code", "message"),
    [
        (one_text(""), "empty-text", "1 row with an empty text; it teaches nothing"),
        (one_text(clean_rows().texts[6]), "duplicate", "1 row repeats an earlier row's text"),
        (one_text("card " * 201), "long-texts", "1 row has more than 1000 characters"),
        (
            one_label("c"),
            "single-row-class",
            "1 row is the only one of its label, which can be learnt but not measured",
        ),
        (one_label("A"), "look-alike-labels", "1 row has a label that looks like another one"),
        (one_label("null"), "null-like-label", '1 row has the label "null"'),
        (Labelled(["A-17"], ["a"], Places.of("t.csv", [2])), "id-like-text", "1 row holds a number or a code"),
    ],
)
def test_one_row_is_told_as_one(rows: Labelled, code: str, message: str) -> None:
    """With the verb that goes with it."""
    assert found(rows)[code].message.startswith(message)


def test_one_row_without_a_label_is_told_as_one() -> None:
    """With what is to be done about it."""
    rows = clean_rows()
    (finding,) = check(rows, unlabelled=Places.of("t.csv", [99]))
    assert finding.message == ("1 of 81 rows has an empty label: fill it, or leave this row out with --drop-unlabelled")


def test_duplicates_and_conflicts_are_told_apart() -> None:
    """The same text with the same label repeats; with another label it contradicts, and both rows are named."""
    rows = clean_rows()
    rows.texts[10] = rows.texts[4].upper() + "!"
    rows.texts[21] = rows.texts[20]
    findings = found(rows)
    assert set(findings) == {"duplicate", "conflicting-duplicates"}
    assert findings["duplicate"].rows == (12,)
    assert findings["conflicting-duplicates"].rows == (22, 23)
    assert findings["conflicting-duplicates"].severity == "warning"


def test_near_duplicates_are_found_beside_exact_ones() -> None:
    """A row that nearly repeats another; exact repeats are no near-duplicates."""
    rows = clean_rows()
    rows.texts[4] = "I am still waiting for my new card, it should have been here two weeks ago"
    rows.texts[10] = rows.texts[4] + "!"
    assert set(found(rows)) == {"duplicate"}
    rows.texts[10] = rows.texts[4] + "s"
    assert set(found(rows)) == {"near-duplicates"}, "that one is part of the other is told by this already"
    assert found(rows)["near-duplicates"].rows == (6, 12)
    assert found(rows)["near-duplicates"].severity == "info"
    assert found(rows)["near-duplicates"].told.startswith("2 rows are nearly the same")


def test_rows_that_are_part_of_another_are_found() -> None:
    """A phrase that was cut from the text of another row."""
    rows = clean_rows()
    rows.texts[4] = "I am still waiting for my new card, it should have been here two weeks ago"
    rows.texts[10] = "still waiting for my new card"
    assert set(found(rows)) == {"part-of-another"}
    finding = found(rows)["part-of-another"]
    assert (finding.severity, finding.rows) == ("info", (12,))
    assert finding.told.startswith("the text of 1 row is part of another row's")
    more = clean_rows(200)
    more.texts[4], more.texts[10] = rows.texts[4], rows.texts[10]
    assert check(more) == [], "one of two hundred is no news"


def test_groups_that_are_known_are_used() -> None:
    """Groups given by the caller are not computed again; a giant one is a warning."""
    rows = clean_rows()
    groups = np.arange(80)
    groups[:30] = 0
    (finding,) = check(rows, groups=groups)
    assert (finding.code, finding.severity, finding.count) == ("near-duplicates", "warning", 30)
    assert "one group of 30 rows is too large" in finding.message
    assert finding.rows == tuple(range(2, 22))


def test_rare_and_single_classes_are_found() -> None:
    """A class of one row and a class of few rows are told apart."""
    rows = clean_rows()
    rows.labels[5] = "lonely"
    rows.labels[6] = rows.labels[8] = "few"
    findings = found(rows)
    assert set(findings) == {"single-row-class", "rare-class"}
    assert findings["single-row-class"].rows == (7,)
    lonely = '1 row is the only one of its label, which can be learnt but not measured: "lonely"'
    assert (findings["single-row-class"].message, findings["single-row-class"].told) == (lonely, f"warning: {lonely}")
    assert findings["rare-class"].message == '1 label has fewer than 10 rows (2 rows in all): "few"'


@pytest.mark.parametrize(("one", "other"), [("Refund", "refund"), ("check-in", "check in"), ("1", "01"), ("1", "1.0")])
def test_labels_that_look_alike_are_found(one: str, other: str) -> None:
    """Case, spacing and ways to write a number; the rarer one's rows are named, nothing is merged."""
    rows = clean_rows()
    rows.labels[:] = [one] * 60 + [other] * 20
    (finding,) = check(rows)
    assert (finding.code, finding.count, finding.rows[0]) == ("look-alike-labels", 20, 62)
    assert f'"{one}", "{other}"' in finding.message


@pytest.mark.parametrize(("one", "other"), [("1", "-1"), ("c", "c++"), ("0", "10"), ("a", "b")])
def test_labels_that_differ_in_more_are_left_alone(one: str, other: str) -> None:
    """A sign is a difference."""
    rows = clean_rows()
    rows.labels[:] = [one, other] * 40
    assert check(rows) == []


@pytest.mark.parametrize("label", ["null", "NA", "None", "nan", "?"])
def test_null_like_labels_are_found(label: str) -> None:
    """They are labels like any other, but worth a question."""
    rows = clean_rows()
    rows.labels[:20] = [label] * 20
    (finding,) = check(rows)
    assert (finding.code, finding.count) == ("null-like-label", 20)
    assert f'"{label}"' in finding.message


def test_long_texts_are_found() -> None:
    """More than a thousand characters."""
    rows = clean_rows()
    rows.texts[2] = " ".join(random.Random(5).choices(WORDS, k=400))
    assert [(finding.code, finding.rows) for finding in check(rows)] == [("long-texts", (4,))]


def test_codes_in_place_of_texts_are_an_error() -> None:
    """A column of numbers or codes is the wrong column; codes of one length are said to be so, errors first."""
    rows = clean_rows()
    rows.texts[:] = [f"TX-{number:05}" for number in range(80)]
    findings = check(rows)
    assert [(finding.code, finding.severity) for finding in findings] == [
        ("id-like-text", "error"),
        ("constant-length", "warning"),
    ]
    assert "--text" in findings[0].message
    assert "exactly 8 characters" in findings[1].message


def test_findings_print_as_documented() -> None:
    """The keys of the machine output."""
    assert Finding("a", "info", 1, (2,), "m").as_dict() == {
        "code": "a",
        "severity": "info",
        "count": 1,
        "rows": [2],
        "message": "m",
    }


@pytest.fixture(scope="module")
def base() -> Tokenizer:
    """The tokenizer of the base model, which knows English."""
    return base_tokenizer()


def test_a_known_language_gives_no_finding(base: Tokenizer, real_data: Path) -> None:
    """English customer messages, numbers and typos among them."""
    for name in ("banking77", "bitext_support", "sms_spam"):
        assert check_pieces(read_table(real_data / name / "train.csv").columns["text"][:2000], base) is None
    assert check_pieces(["", "  "], base) is None


def test_an_unknown_script_is_found(base: Tokenizer, real_data: Path) -> None:
    """Chinese for a model that has hardly any Chinese characters."""
    finding = check_pieces(read_table(real_data / "chnsenticorp" / "test.csv").columns["text"], base)
    assert finding is not None
    assert (finding.code, finding.severity) == ("unknown-pieces", "warning")
    assert "--base" in finding.message


def test_a_language_cut_to_pieces_is_found(base: Tokenizer, real_data: Path) -> None:
    """German questions take more than two pieces a word."""
    texts = read_table(real_data / "covid_faq" / "question_similarity_de.csv").columns["text_a"]
    finding = check_pieces(texts, base)
    assert finding is not None
    assert finding.code == "many-pieces"
    assert "2.3 pieces" in finding.message


def test_the_messy_real_file_is_checked(real_data: Path) -> None:
    """The duplicate rows that the file is known for are found."""
    table = read_table(real_data / "sms_spam" / "raw_latin1.csv", encoding="windows-1252")
    findings = found(labelled(table, Columns(("v2",), "v1", ())))
    assert findings["duplicate"].count >= 403
    assert len(findings["duplicate"].rows) == 20


def test_codes_are_looked_for_in_linear_time() -> None:
    """A text of many digits that ends in a space must not be gone through once for each digit."""
    rows = Labelled(["1" * 40_000 + " x", "1" * 40_000 + " y"], ["a", "b"], Places.of("t.csv", [2, 3]))
    began = time.perf_counter()
    check(rows, groups=np.arange(2))
    assert time.perf_counter() - began < 1.0


def test_one_row_and_one_class_are_errors() -> None:
    """Training refuses them, so looking must say so."""
    finding = found(Labelled(["where is it?"], ["a"], Places.of("t.csv", [2])))["one-row"]
    assert (finding.severity, finding.count, finding.rows) == ("error", 1, (2,))
    rows = clean_rows()
    rows.labels[:] = ["a"] * 80
    (finding,) = check(rows)
    assert (finding.code, finding.severity, finding.count) == ("one-class", "error", 80)
    assert finding.message.startswith('all 80 rows have the label "a"')


def test_missing_labels_are_an_error() -> None:
    """By their lines, the first twenty; where all are missing, the column is wrong."""
    (finding,) = check(clean_rows(), unlabelled=Places.of("t.csv", range(100, 130)))
    assert (finding.code, finding.severity, finding.count) == ("label-missing", "error", 30)
    assert finding.rows == tuple(range(100, 120))
    assert "30 of 110 rows" in finding.message
    assert "--drop-unlabelled" in finding.message
    (finding,) = check(Labelled([], [], Places.of("t.csv", [])), unlabelled=Places.of("t.csv", [2, 3]))
    assert "2 of 2 rows" in finding.message
    assert "--label" in finding.message
