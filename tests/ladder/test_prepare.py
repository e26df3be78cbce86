"""From files to rows: where the rows of each part come from, what is kept together, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunesmith.config.recipe import DataSection, Recipe
from tunesmith.data.places import Places
from tunesmith.data.split import folds
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError, DataError
from tunesmith.ladder.prepare import Prepared, prepare
from tunesmith.ladder.settle import settle
from tunesmith.tasks import load_task

_WORDS = "card late refund please where money order never arrived broken screen cancel account help thanks".split()


def text_of(number: int) -> str:
    """A text unlike any other."""
    lot = np.random.default_rng(number)
    return " ".join(lot.choice(_WORDS, 8)) + f" {number}"


def table(n_rows: int = 100, *, parts: list[str] | None = None, first: int = 0) -> Table:
    """Texts of two labels, in turn; with the cells of a split column where there are any."""
    columns = {"text": [text_of(first + row) for row in range(n_rows)], "label": ["a", "b"] * (n_rows // 2)}
    if parts is not None:
        columns["Split"] = parts
    return Table(columns, Places.of("/data/train.csv", range(2, 2 + n_rows)))


def prepared(data: Table, **section: object) -> Prepared:
    """Prepare with these settings."""
    return prepare(data, DataSection.model_validate(section), load_task("single_label"), seed=0)


@pytest.fixture
def beside(tmp_path: Path) -> str:
    """A file of twenty rows that no other table has."""
    rows = table(20, first=1000)
    path = tmp_path / "beside.csv"
    lines = (f"{text},{label}" for text, label in zip(rows.columns["text"], rows.columns["label"], strict=True))
    path.write_text("\n".join(["text,label", *lines]) + "\n", "utf-8")
    return str(path)


def lines_of(rows: Prepared, part: str) -> list[int]:
    """Lines of the rows of one part."""
    return rows.places.select(getattr(rows.split, part)).numbers.tolist()


def test_a_test_file_and_a_share_of_test_rows_are_refused_together(beside: str) -> None:
    """The rows of the share would be in no part: neither trained on nor measured."""
    with pytest.raises(ConfigError, match=r"--test-share 0\.2") as caught:
        prepared(table(), test=beside, test_share=0.2)
    assert caught.value.code == "two-tests"
    assert caught.value.allowed
    assert caught.value.advice


@pytest.mark.parametrize("names", [(), ("validation",), ("test",), ("validation", "test")])
@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("column", [False, True])
def test_every_row_is_in_one_part(names: tuple[str, ...], share: float, column: bool, beside: str) -> None:
    """Wherever the parts come from, no row is lost and none is in two."""
    if "test" in names and share:
        return
    data = table(parts=(["train"] * 7 + ["val"] * 2 + ["test"]) * 10 if column else None)
    rows = prepared(data, test_share=share, **dict.fromkeys(names, beside))
    split = rows.split
    every = np.concatenate([split.train, split.validation, split.test]).tolist()
    assert sorted(every) == list(range(len(rows.texts)))
    assert len(rows.texts) == len(rows.targets) == len(rows.groups) == len(rows.places)
    assert len(split.validation)


def test_folds_keep_together_what_the_split_does() -> None:
    """A giant group of near-duplicates must not fill one fold: there too only exact duplicates stay together."""
    data = table()
    long = "the very same long complaint about a card that never came although it was promised twice by your staff"
    data.columns["text"][:40] = [f"{long} {chr(97 + row // 26)}{chr(97 + row % 26)}" for row in range(40)]
    data.columns["text"][1] = data.columns["text"][0].upper()
    rows = prepared(data)
    assert any("only exact duplicates" in note for note in rows.notes)
    assert any("validation rows repeat training rows" in note for note in rows.notes), "that flatters, and is said"
    assert (rows.groups[0], rows.groups[1], rows.groups[2]) == (0, 0, 2)
    labels = [rows.coding.labels[target] for target in rows.targets]
    assert len(set(folds(labels, rows.groups, seed=0)[:40].tolist())) == 5


def test_parts_of_other_texts_are_held_out_with_them() -> None:
    """Pieces of a row that is trained on would tell what a model remembers."""
    data = table(100)
    whole = data.columns["text"][:20]
    texts = [piece for text in whole for piece in (text, text[:30], text[8:], f"{text} and more")]
    rows = prepared(Table({"text": texts, "label": ["a", "b"] * 40}, Places.of("/data/train.csv", range(2, 82))))
    sentence = np.repeat(np.arange(20), 4)
    assert not set(sentence[rows.split.train]) & set(sentence[rows.split.validation])
    assert "part-of-another" in [finding.code for finding in rows.findings]


def test_a_phrase_that_ties_all_rows_together_is_left() -> None:
    """Near-duplicates stay together all the same."""
    data = table(60)
    phrase = "please help me with this order"
    texts = [phrase, *(f"{phrase}: {text}" for text in data.columns["text"][:39])]
    texts += [f"{text}s" for text in texts[1:21]]
    rows = prepared(Table({"text": texts, "label": ["a", "b"] * 30}, Places.of("/data/train.csv", range(2, 62))))
    assert rows.groups[1] == rows.groups[40]
    assert len(set(rows.groups.tolist())) == 40
    assert [finding.code for finding in rows.findings] == ["near-duplicates"]


def test_a_split_column_is_followed() -> None:
    """Its rows of validation choose, its rows of test are test; every text keeps its line, and it is said."""
    parts = (["train"] * 7 + [" Dev ", "TEST", "train"]) * 10
    data = table(parts=parts)
    rows = prepared(data)
    for name, word in (("train", "train"), ("validation", " Dev "), ("test", "TEST")):
        assert lines_of(rows, name) == [
            line for line, part in zip(data.places.numbers.tolist(), parts, strict=True) if part == word
        ]
    by_line = dict(zip(data.places.numbers.tolist(), data.columns["text"], strict=True))
    assert [by_line[line] for line in rows.places.numbers.tolist()] == rows.texts
    assert 'rows are split by the column "Split": 80 of train, 10 of validation, 10 of test' in rows.notes


def test_a_split_column_without_validation_rows() -> None:
    """They are held back from its train rows, never from those of test."""
    parts = (["train"] * 8 + ["test"] * 2) * 10
    rows = prepared(table(parts=parts))
    assert (len(rows.split.train), len(rows.split.validation), len(rows.split.test)) == (64, 16, 20)
    assert lines_of(rows, "test") == [row + 2 for row in range(100) if row % 10 >= 8]
    assert any("names no validation rows; they are held back" in note for note in rows.notes)


@pytest.mark.parametrize("flag", ["--validation", "--test", "--test-share"])
def test_a_flag_goes_over_a_split_column(flag: str, beside: str) -> None:
    """All rows of the file are to train on then, as without the column, and that is said."""
    section: dict[str, object] = {"test_share": 0.2} if flag == "--test-share" else {flag[2:]: beside}
    parts = (["train"] * 8 + ["test"] * 2) * 10
    with_column, without = prepared(table(parts=parts), **section), prepared(table(), **section)
    assert np.array_equal(with_column.split.train, without.split.train)
    assert np.array_equal(with_column.split.test, without.split.test)
    assert f'the column "Split" is not used, since {flag} says how to split' in with_column.notes
    assert not any("column" in note and "not used" in note for note in without.notes)


def test_a_column_of_other_values_is_no_split_column() -> None:
    """It is not spoken of."""
    rows = prepared(table(parts=["fold 1", "fold 2"] * 50))
    assert (len(rows.split.train), len(rows.split.validation)) == (80, 20)
    assert "Split" not in " ".join(rows.notes)


@pytest.mark.parametrize(
    ("word", "told"), [("train", '10 of 100 cells ("held out")'), ("", '90 of 100 cells ("", "held out")')]
)
def test_a_split_column_that_is_not_followed_is_told(word: str, told: str, beside: str) -> None:
    """Its rows of test would be trained on without a word; a flag says how to split, and then it does not matter."""
    data = table(parts=([word] * 8 + ["test", "held out"]) * 10)
    rows = prepared(data)
    assert len(rows.split.test) == 0
    assert [note for note in rows.notes if "Split" in note] == [
        f'warning: the column "Split" is not followed, since {told} are none of train, validation and test'
    ]
    assert "Split" not in " ".join(prepared(data, test=beside).notes)
    assert "Split" not in " ".join(note for note in prepared(data, group="Split").notes if "not followed" in note)


def dated(parts: list[str] | None = None) -> Table:
    """Rows of a hundred days."""
    rows = table(parts=parts)
    return Table({**rows.columns, "day": [str(day) for day in range(100)]}, rows.places)


def test_a_column_that_is_asked_for_is_never_taken_for_the_label() -> None:
    """Neither where the task is settled nor where the rows are prepared: weeks and customers come back as labels do."""
    rows = dated()
    columns = {"text": rows.columns["text"], "kind": rows.columns["label"]}
    columns |= {
        "week": [f"2026-03-{1 + row // 10:02}" for row in range(100)],
        "shop": [f"{row // 5}" for row in range(100)],
    }
    data, recipe = Table(columns, rows.places), Recipe(data=DataSection(time="week", group="shop"))
    assert settle(recipe, data)[0].run.task == "single_label"
    assert prepare(data, recipe.data, load_task("single_label"), seed=0).columns.label == "kind"


def test_rows_that_time_does_not_hold_out_are_not_said_to_be(beside: str) -> None:
    """Where a column or a file gives the rows to choose by, --time has nothing to say but of a share to test on."""
    parts = (["train"] * 6 + ["dev", "dev", "test", "test"]) * 10
    held = 'later rows by "day" are held out, as asked'
    none = 'warning: later rows by "day" are not held out, since {} says which rows choose'
    for data, section, told in (
        (dated(), {}, held),
        (dated(["train"] * 80 + ["test"] * 20), {}, held),
        (dated(parts), {}, none.format('the column "Split"')),
        (dated(), {"validation": beside}, none.format("--validation")),
        (dated(), {"validation": beside, "test_share": 0.2}, held),
    ):
        rows = prepared(data, time="day", **section)
        assert [note for note in rows.notes if "later rows" in note] == [told]
    assert lines_of(rows, "test") == list(range(82, 102))


@pytest.mark.parametrize(("task", "odd"), [("score", "7.25"), ("multi_label", "b;a")])
def test_a_split_column_may_hold_back_cells_that_train_does_not_have(task: str, odd: str) -> None:
    """A number of its own, or labels in another company than in any row of train: what they hold can be learnt."""
    data = table(parts=(["train"] * 6 + ["dev", "dev", "test", "test"]) * 10)
    cells = ["1.5", "2.5"] * 50 if task == "score" else ["a", "b"] * 50
    cells[7] = cells[9] = odd
    rows = prepare(Table({**data.columns, "label": cells}, data.places), DataSection(), load_task(task), seed=0)
    assert (len(rows.split.train), len(rows.split.validation), len(rows.split.test)) == (60, 20, 20)


@pytest.mark.parametrize("task", ["multi_label", "ordinal"])
def test_a_split_column_may_not_hold_back_labels_that_train_does_not_have(task: str) -> None:
    """Whatever the task that has labels."""
    data = table(parts=(["train"] * 8 + ["test"] * 2) * 10)
    cells = ["1", "2"] * 50
    cells[9] = "1;9" if task == "multi_label" else "9"
    rows = Table({**data.columns, "label": cells}, data.places)
    with pytest.raises(DataError, match='"9" in 1 row ') as caught:
        prepare(rows, DataSection(), load_task(task), seed=0)
    assert (caught.value.code, caught.value.where) == ("unseen-label", "/data/train.csv:11")


def test_a_label_that_only_test_rows_have_is_refused() -> None:
    """As it is for a test file."""
    data = table(parts=(["train"] * 8 + ["test"] * 2) * 10)
    data.columns["label"][9] = "new"
    with pytest.raises(DataError, match='"new" in 1 row ') as caught:
        prepared(data)
    assert (caught.value.code, caught.value.where) == ("unseen-label", "/data/train.csv:11")


def test_nothing_is_said_of_rows_that_were_not_held_back(beside: str) -> None:
    """With a validation file no row of the training file is held back: what would have been said of that is untrue."""
    data = table()
    data.columns["label"][0] = "lonely"
    lonely = "1 label of one row stays in train and is not measured"
    assert any(lonely in note for note in prepared(data).notes)
    rows = prepared(data, validation=beside)
    assert not any(lonely in note for note in rows.notes)
    assert "validation rows come from beside.csv (20 rows)" in rows.notes


def several() -> Table:
    """Texts of several labels: ``b`` is never the rarest of its row, ``once`` is in one row, ``last`` in later ones."""
    rows = table(100)
    labels = ["a;b" if row % 2 else "c" for row in range(100)]
    labels[3], labels[99] = "b;once", "a;b;last"
    return Table({**rows.columns, "label": labels, "day": [str(row) for row in range(100)]}, rows.places)


def test_what_is_said_of_several_labels_is_said_of_each() -> None:
    """And not of the rarest of each row, by which rows are dealt out."""
    task = load_task("multi_label")
    notes = prepare(several(), DataSection(), task, seed=0).notes
    assert [note for note in notes if "not measured" in note or "too few" in note] == [
        '2 labels of one row stay in train and are not measured: "once", "last"'
    ]
    by_time = prepare(several(), DataSection(time="day"), task, seed=0).notes
    assert '1 label occurs in later rows only, and cannot be learnt: "last"' in by_time
    few = Table({"text": ["one", "two"], "label": ["a;b", "b;c"]}, Places.of("t.csv", [2, 3]))
    with pytest.raises(DataError, match="2 rows, 3 labels"):
        prepare(few, DataSection(), task, seed=0)


def test_of_numbers_no_label_is_spoken() -> None:
    """Later rows may have numbers of their own: a trend is learnt."""
    rows = table(100)
    numbers = Table({"text": rows.columns["text"], "score": [f"{row}.5" for row in range(100)]}, rows.places)
    dated = Table({**numbers.columns, "day": [str(row) for row in range(100)]}, rows.places)
    for section, data in ((DataSection(), numbers), (DataSection(time="day"), dated)):
        notes = prepare(data, section, load_task("score"), seed=0).notes
        assert not [note for note in notes if "labels" in note or "part" in note]


def test_an_unknown_label_of_a_test_file_is_told_with_its_line(tmp_path: Path) -> None:
    """So that it can be found in the file."""
    path = tmp_path / "test.csv"
    path.write_text("text,label\nwhere is it?,a\n\nwhat is it?,new\n", "utf-8")
    with pytest.raises(DataError, match=r'"new" in 1 row \(line 4\)'):
        prepared(table(), test=str(path))


def grouped(n_rows: int, n_groups: int) -> Table:
    """Rows of customers, some of whom are not named."""
    rows = table(n_rows)
    customers = [f"c{row % n_groups}" if row % 10 else " " for row in range(n_rows)]
    return Table({**rows.columns, "Customer": customers}, rows.places)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_column_keeps_its_rows_on_one_side(seed: int) -> None:
    """Train, validation and test rows share no customer; rows of no customer go anywhere."""
    data = grouped(400, 60)
    section = DataSection(group="customer", test_share=0.2)
    rows = prepare(data, section, load_task("single_label"), seed=seed)
    customers = np.array(data.columns["Customer"])
    parts = [set(customers[getattr(rows.split, part)]) - {" "} for part in ("train", "validation", "test")]
    assert all(parts)
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    fold_of = folds(data.columns["label"], rows.groups, n_folds=5, seed=seed)
    assert all(len(set(fold_of[customers == customer])) == 1 for customer in set(customers) - {" "})
    assert 'rows with the same "Customer" stay together, as asked' in rows.notes
    assert not rows.findings  # rows of one customer are no near-duplicates


def test_a_group_column_is_kept_beside_one_of_times() -> None:
    """Customers stay whole, rows of no customer go by their own time, and what was done is said."""
    data = grouped(400, 60)
    days = [str(row) for row in range(400)]
    data = Table({**data.columns, "day": days}, data.places)
    rows = prepare(data, DataSection(group="customer", time="day", test_share=0.1), load_task("single_label"), seed=0)
    customers = np.array(data.columns["Customer"])
    parts = [set(customers[getattr(rows.split, part)]) - {" "} for part in ("train", "validation", "test")]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert 399 in rows.split.test, "the latest row"
    assert 'later rows by "day" are held out, as asked; a group is as late as its latest row' in rows.notes
    assert any(" validation rows came no later than the last row to train on" in note for note in rows.notes)
    assert not any("of a group that is trained on" in note for note in rows.notes)


def test_customers_of_a_test_file_that_are_trained_on_are_told(tmp_path: Path) -> None:
    """The file stays as it is; its figures are doubted."""
    beside = tmp_path / "test.csv"
    beside.write_text(f"text,label,customer\n{text_of(901)},a,c1\n{text_of(902)},b,new\n", "utf-8")
    rows = prepare(grouped(100, 20), DataSection(group="customer", test=str(beside)), load_task("single_label"), seed=0)
    assert "warning: 1 of 2 test rows is of a group that is trained on; their figures flatter the model" in rows.notes


def test_a_group_column_that_is_not_there_is_told_with_the_nearest() -> None:
    """By its flag."""
    with pytest.raises(DataError, match=r"did you mean --group Customer"):
        prepare(grouped(40, 4), DataSection(group="costumer"), load_task("single_label"), seed=0)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_what_was_left_out_of_a_file_beside_is_told(tmp_path: Path, part: str) -> None:
    """Rows that cannot be read and rows without a label: whose figures are these?"""
    beside = tmp_path / "held.csv"
    beside.write_text(f"text,label\n{text_of(901)},a\nbad\n{text_of(902)},b\n{text_of(903)},\n", "utf-8")
    section = DataSection(skip_bad_rows=True, drop_unlabelled=True, **{part: str(beside)})
    notes = prepare(table(), section, load_task("single_label"), seed=0).notes
    assert f"{part} rows: warning: 1 row that cannot be read was left out ({beside}:3)" in notes
    assert f"{part} rows: 1 row without a label was left out (line 5)" in notes


def unlabelled_file(path: Path, texts: list[str], *, header: str = "id,Text") -> str:
    """Write texts without labels; the cell of each other column is its number."""
    n_more = header.count(",")
    lines = (",".join([*[str(number)] * n_more, f'"{text}"']) for number, text in enumerate(texts))
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return str(path)


def test_no_text_without_a_label_is_among_the_rows(tmp_path: Path, beside: str) -> None:
    """Of those trained on, chosen by or tested on, each left out however it is typed; nor does one come twice."""
    known = [text_of(0).upper(), text_of(99) + "!", " ".join(text_of(1003).split(" ")) + " ?"]
    texts = [*known, "quite another one", "", "Quite another one.", text_of(5000)]
    rows = prepared(table(), test=beside, unlabelled=unlabelled_file(tmp_path / "more.csv", texts))
    assert rows.unlabelled == ("quite another one", text_of(5000))
    assert rows.notes[-1] == (
        "texts without labels come from more.csv (2 rows); left out: 1 without a text; "
        "3 that are among the rows with labels; 1 that repeats an earlier one"
    )
    assert rows.sha256 == prepared(table(), test=beside).sha256
    assert len(rows.texts) == 120


def test_a_label_column_of_texts_without_labels_is_not_read(tmp_path: Path) -> None:
    """It may be empty, or hold labels that nobody has seen; that it is not read is said."""
    path = unlabelled_file(tmp_path / "more.csv", ["one", "two"], header="LABEL,text")
    rows = prepared(table(), unlabelled=path)
    assert rows.unlabelled == ("one", "two")
    assert rows.notes[-1] == 'the column "LABEL" of more.csv is not read'


def test_texts_without_labels_are_prepared_as_the_others(tmp_path: Path) -> None:
    """In the same normal form, from columns of the same name."""
    path = unlabelled_file(tmp_path / "more.csv", ["ＡＢＣ  "])
    assert prepared(table(), unlabelled=path, normalise="NFKC").unlabelled == ("ABC",)


def test_a_single_column_of_texts_may_have_another_name(tmp_path: Path) -> None:
    """It is said which one is taken; of several, or of a pair, all have to be there."""
    rows = prepared(table(), unlabelled=unlabelled_file(tmp_path / "more.csv", ["one", "two"], header="id,body"))
    assert rows.unlabelled == ("one", "two")
    assert any(note.startswith("texts without labels: ") and '"body"' in note for note in rows.notes)
    unlabelled_file(tmp_path / "other.csv", ["one"])
    both = table()
    both.columns["subject"] = list(both.columns["text"])
    with pytest.raises(DataError, match=r'there\s+is\s+no\s+column\s+"subject",\s+from\s+which') as caught:
        prepared(both, text=("subject", "text"), unlabelled=str(tmp_path / "other.csv"))
    assert caught.value.code == "no-such-column"


def test_nothing_to_learn_from_is_told_before_training(tmp_path: Path) -> None:
    """With what was left out."""
    path = unlabelled_file(tmp_path / "more.csv", [text_of(0), ""])
    with pytest.raises(DataError, match="no text without a label is left") as caught:
        prepared(table(), unlabelled=path)
    assert caught.value.code == "nothing-unlabelled"
    assert caught.value.found == "2 rows: 1 without a text; 1 that is among the rows with labels"
