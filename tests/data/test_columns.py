"""Choosing columns: as asked, by name, by content; where it is not plain, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data.columns import choose_columns
from tunesmith.data.places import Places
from tunesmith.data.read import read_table
from tunesmith.data.table import Table
from tunesmith.errors import DataError

TEXTS = [f"This is sentence number {number}, of some length" for number in range(40)]
LABELS = ["billing", "delivery", "refund", "other"] * 10
PLACES = Places.of("tickets.csv", range(2, 42))


def table(**columns: list[str]) -> Table:
    """Make a table of columns; underscores in names stand for spaces."""
    named = {name.replace("_", " "): cells for name, cells in columns.items()}
    return Table(named, Places.of("tickets.csv", range(2, 2 + len(next(iter(named.values()))))))


def fault(data: Table, **options: object) -> str:
    """Choose columns that cannot be chosen and give the whole message."""
    with pytest.raises(DataError, match=r"tickets\.csv") as caught:
        choose_columns(data, **options)  # type: ignore[arg-type]
    return caught.value.render()


@pytest.mark.parametrize("name", "text Sentence MESSAGE body content Review headline utterance query question".split())
def test_a_text_column_is_found_by_its_name(name: str) -> None:
    """The usual names, in any case, even where the content would say otherwise."""
    chosen = choose_columns(table(**{"notes": TEXTS, name: ["a"] * 40, "label": LABELS}))
    assert chosen.text == (name,)
    assert chosen.reasons[0] == f'text: column "{name}", by its name'


def test_columns_that_next_adds_are_never_taken() -> None:
    """Though they look like labels, and like texts, as much as the others; asked for, they are taken."""
    data = Table({"what": TEXTS, "tunesmith_text": TEXTS, "kind": LABELS, "tunesmith_prediction": LABELS}, PLACES)
    chosen = choose_columns(data)
    assert (chosen.text, chosen.label) == (("what",), "kind")
    assert choose_columns(data, label="tunesmith_prediction").label == "tunesmith_prediction"


@pytest.mark.parametrize("name", "label Labels category INTENT class sentiment queue topic target stars".split())
def test_a_label_column_is_found_by_its_name(name: str) -> None:
    """The usual names, in any case, even where another column also has few values."""
    chosen = choose_columns(table(text=TEXTS, country=LABELS, **{name: LABELS}))
    assert chosen.label == name
    assert chosen.reasons[1] == f'label: column "{name}", by its name'


def test_columns_are_found_by_content() -> None:
    """Long varied cells are the text, few values that come back the label; numbers and row numbers are neither."""
    chosen = choose_columns(
        table(
            nr=[str(number) for number in range(40)],
            customer_id=["7", "8"] * 20,
            kind=LABELS,
            words=TEXTS,
            when=[f"2026-01-{number:02}" for number in range(40)],
            empty=["", "x"] + [""] * 38,
        )
    )
    assert (chosen.text, chosen.label) == (("words",), "kind")
    assert "by its content: " in chosen.reasons[0]
    assert chosen.reasons[1] == 'label: column "kind", by its content: 4 values that come back'


def test_times_are_no_text() -> None:
    """Long and varied cells of digits are not what a model reads."""
    stamps = [f"2026-01-0{number % 9 + 1} 12:{number:02}:00.000000" for number in range(40)]
    words = [f"{chr(97 + number % 26)} short note {'ab' * (number % 7)}" for number in range(40)]
    assert choose_columns(table(at=stamps, words=words, label=LABELS)).text == ("words",)


def test_the_far_longer_of_two_texts_is_taken() -> None:
    """A subject beside a letter is not the text; two texts of like length are for the user to say."""
    subjects = [text[:20] + str(number) for number, text in enumerate(TEXTS)]
    assert choose_columns(table(one=subjects, two=[text * 3 for text in TEXTS], label=LABELS)).text == ("two",)
    message = fault(table(one=TEXTS, two=TEXTS[::-1], label=LABELS))
    assert "error[columns-unclear]" in message
    assert "several columns could be the text" in message
    assert 'candidates "one", "two"' in message
    assert "--text one" in message


def test_asked_columns_match_in_any_case_and_spacing() -> None:
    """What the user types need not repeat the header's case, blanks or underscores."""
    data = table(Ticket_Text=TEXTS, Queue=LABELS, a=TEXTS)
    chosen = choose_columns(data, text="ticket_text", label=" QUEUE ")
    assert (chosen.text, chosen.label) == (("Ticket Text",), "Queue")
    assert chosen.reasons == ('text: column "Ticket Text", as asked', 'label: column "Queue", as asked')


def test_several_text_columns_can_be_asked_for() -> None:
    """A list, or names with commas between; a name with a comma in it is taken whole."""
    data = table(subject=TEXTS, body=TEXTS, label=LABELS)
    assert choose_columns(data, text="subject,Body").text == ("subject", "body")
    assert choose_columns(data, text=["body", "subject"]).text == ("body", "subject")
    assert choose_columns(table(**{"a,b": TEXTS, "label": LABELS}), text="a,b").text == ("a,b",)


@pytest.mark.parametrize("flag", ["text", "label"])
def test_an_unknown_column_is_answered_with_the_nearest(flag: str) -> None:
    """The message names the nearest column, all columns and the flag."""
    message = fault(table(message=TEXTS, queue=LABELS), **{flag: "quee"})
    assert 'error[no-such-column]: tickets.csv: there is no column "quee"' in message
    assert 'columns "message", "queue"' in message
    assert f"did you mean --{flag} queue?" in message


def test_a_name_that_fits_two_columns_is_told() -> None:
    """Two headers that differ in case only need the exact name."""
    data = table(Text=TEXTS, TEXT=TEXTS, label=LABELS)
    assert "fits several columns" in fault(data, text="text")
    assert choose_columns(data, text="TEXT").text == ("TEXT",)


def test_one_column_cannot_be_both() -> None:
    """Text and label are different columns."""
    assert "cannot be both text and label" in fault(table(text=TEXTS, label=LABELS), text="text", label="text")


def test_prediction_needs_no_label() -> None:
    """Without a label to find, the only column is the text, and none is chosen for the label."""
    chosen = choose_columns(table(x=["a", "b"]), need_label=False)
    assert (chosen.text, chosen.label) == (("x",), None)
    chosen = choose_columns(table(text=TEXTS, label=LABELS), need_label=False)
    assert (chosen.text, chosen.label) == (("text",), None)


def test_unclear_columns_show_rows_and_the_flags() -> None:
    """Columns, three rows with their lines, and a command line that settles it."""
    message = fault(table(words=TEXTS, a=LABELS, b=LABELS))
    assert "error[columns-unclear]: tickets.csv: several columns could be the label" in message
    assert 'columns "words", "a", "b"' in message
    assert "line 2:" in message
    assert "line 4:" in message
    assert "line 5:" not in message
    assert "--text words --label a" in message


def test_one_column_has_no_label() -> None:
    """A file of texts alone cannot be trained on."""
    assert "there is one column only, so no label" in fault(table(text=TEXTS))


@pytest.mark.parametrize(
    ("path", "text", "label"),
    [
        ("banking77/train.csv", "text", "label"),
        ("bitext_support/train.csv", "text", "label"),
        ("covid_faq/faq.csv", "question", "category"),
        ("sms_spam/raw_latin1.csv", "v2", "v1"),
    ],
)
def test_real_columns_are_found(real_data: Path, path: str, text: str, label: str) -> None:
    """Files as people have them, the nameless columns of the messy one included."""
    data = read_table(real_data / path, encoding="windows-1252" if "latin1" in path else None)
    chosen = choose_columns(data)
    assert (chosen.text, chosen.label) == ((text,), label)


@pytest.mark.parametrize("path", ["multi30k/test.csv", "kg_umls/test.csv"])
def test_real_files_of_other_tasks_are_not_guessed(real_data: Path, path: str) -> None:
    """Translations and triples have no plain text column."""
    with pytest.raises(DataError, match="columns-unclear"):
        choose_columns(read_table(real_data / path))


@pytest.mark.parametrize(
    ("path", "label"), [("stsb/test.csv", "score"), ("covid_faq/question_similarity_en.csv", "label")]
)
def test_real_pairs_are_found_by_their_names(real_data: Path, path: str, label: str) -> None:
    """Nobody has to say that two columns are a pair."""
    chosen = choose_columns(read_table(real_data / path))
    assert (chosen.text, chosen.pair, chosen.label) == (("text_a",), "text_b", label)
    assert chosen.reasons[0] == 'pairs: columns "text_a" and "text_b", by their names'


def test_a_pair_is_asked_for() -> None:
    """By any names; and a column cannot be two things."""
    chosen = choose_columns(table(title=TEXTS, body=TEXTS, kind=LABELS), text="title", pair="Body", label="kind")
    assert (chosen.text, chosen.pair, chosen.label) == (("title",), "body", "kind")
    assert "both texts of a pair" in fault(table(title=TEXTS, kind=LABELS), text="title", pair="title")
    assert "both text and label" in fault(table(a=TEXTS, b=TEXTS), text="a", pair="b", label="b")
    only_text = choose_columns(table(text_a=TEXTS, text_b=TEXTS, kind=LABELS), text="text_a", label="kind")
    assert only_text.pair is None


def test_a_split_column_is_neither_text_nor_label() -> None:
    """A few values that come back make a label, but not those that say how to split; who asks for it gets it."""
    parts = ["train", "train", "Dev", "test"] * 10
    chosen = choose_columns(table(words=TEXTS, split=parts, kind=LABELS))
    assert (chosen.text, chosen.label, chosen.split) == (("words",), "kind", "split")
    assert "no column is plainly the label" in fault(table(words=TEXTS, split=parts))
    asked = choose_columns(table(words=TEXTS, split=parts, kind=LABELS), label="split")
    assert (asked.label, asked.split) == ("split", None)
    other = choose_columns(table(words=TEXTS, split=LABELS))
    assert (other.label, other.split) == ("split", None)
