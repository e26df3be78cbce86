"""``next``: rows to label, written ready to be filled in, and trained on once they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

import tunesmith
from tunesmith.data.read import read_table
from tunesmith.errors import ConfigError
from tunesmith.types import JSON

OURS = ["tunesmith_prediction", "tunesmith_probability", "tunesmith_row"]
LABEL_OF = dict(rows())


def written(path: Path, header: Sequence[str], records: Sequence[Sequence[str]]) -> Path:
    """Write a file."""
    path.write_text(csv_text(header, records), "utf-8")
    return path


def records(path: Path) -> list[dict[str, str]]:
    """Read a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Every text of the small world, the labelled file's own and an empty one at the end, with a number in front."""
    texts = [text for text, _ in rows()]
    return written(tmp_path / "pool.csv", ["id", "text"], [[f"a{n}", text] for n, text in enumerate([*texts, ""])])


def proposed(model: Path, pool: Path, *more: str | Path) -> JSON:
    """What ``--json`` tells, held to its schema."""
    found = run("next", model, "--unlabelled", pool, "--threads", "1", *more, "--json").json()
    assert problems("next.json", found) == []
    return found


@pytest.mark.parametrize("by", ["uncertainty", "diversity", "both"])
@pytest.mark.parametrize("kind", ["climbed", "probed"])
def test_rows_come_ready_to_be_filled_in(kind: str, by: str, pool: Path, request: pytest.FixtureRequest) -> None:
    """Beside the file, with its columns, an empty one under the name that the model knows, and what the model says."""
    model = request.getfixturevalue(kind).folder
    found = proposed(model, pool, "-n", "12", "--by", by)
    assert (found["by"], found["label_column"], found["rows"]) == (by, "topic", 121)
    assert found["left_out"] == {"empty": 1, "labelled": 0, "repeated": 0}
    assert (found["features"] is None) == (by == "uncertainty")
    assert found["out"] == str(pool.with_name("pool.next.csv"))
    sheet = records(Path(found["out"]))
    assert [list(row) for row in sheet] == 12 * [["id", "text", "topic", *OURS]]
    assert {row["topic"] for row in sheet} == {""}
    answers = run("predict", model, pool, "--json", "--threads", "1").lines()
    texts = records(pool)
    assert len({row["tunesmith_row"] for row in sheet}) == 12
    for row, told in zip(sheet, found["proposed"], strict=True):
        source, answer = texts[told["row"] - 1], answers[told["row"] - 1]
        assert row["tunesmith_row"] == str(told["row"])
        assert (row["id"], row["text"]) == (source["id"], source["text"])
        assert row["tunesmith_prediction"] == told["label"] == answer["label"]
        assert told["probability"] == pytest.approx(answer["probability"], abs=1e-5)
        assert float(row["tunesmith_probability"]) == pytest.approx(told["probability"], abs=1e-6)


def test_the_least_sure_rows_are_found(probed: Model, pool: Path) -> None:
    """Those whose two most probable labels lie nearest together, of all of the file."""
    answers = run("predict", probed.folder, pool, "--json", "--all", "--threads", "1").lines()[:-1]
    shares = [sorted(answer["probabilities"].values())[::-1] for answer in answers]
    margins = sorted(first - second for first, second, *_ in shares)
    found = proposed(probed.folder, pool, "-n", "10", "--by", "uncertainty")
    assert [row["margin"] for row in found["proposed"]] == pytest.approx(margins[:10], abs=1e-5)


def test_filled_in_rows_can_be_trained_on(
    probed: Model, pool: Path, tickets: Path, quick: list[str], tmp_path: Path
) -> None:
    """Alone and with the file that the model learnt from, in either order; our columns are no texts and no labels."""
    proposed(probed.folder, pool, "-n", "60")
    sheet = records(pool.with_name("pool.next.csv"))
    for row in sheet:
        row["topic"] = LABEL_OF[row["text"]]
    filled = written(tmp_path / "filled.csv", list(sheet[0]), [list(row.values()) for row in sheet])
    for number, files in enumerate(([filled], [tickets, filled], [filled, tickets])):
        out = tmp_path / f"{number}.model"
        ended = run("train", *files, "--out", out, *quick, "--rungs", "linear", "--quiet", "--json")
        assert ended.code == 0, ended.err
        facts = tunesmith.load(out).bundle.facts
        assert (facts.data.text, facts.data.label) == ("text", "topic")
        assert set(facts.labels) == set(LABEL_OF.values())
        assert facts.data.rows == (60 if len(files) == 1 else 180)


def test_columns_of_ours_are_no_candidates(probed: Model, tmp_path: Path, pool: Path, quick: list[str]) -> None:
    """Not even where the label's name is unknown, so that its cells must tell."""
    proposed(probed.folder, pool, "-n", "60")
    sheet = records(pool.with_name("pool.next.csv"))
    header = ["id", "text", "Sachgebiet", *OURS]
    filled = [[row["id"], row["text"], LABEL_OF[row["text"]], *(row[name] for name in OURS)] for row in sheet]
    data = written(tmp_path / "filled.csv", header, filled)
    ended = run("train", data, "--out", tmp_path / "m", *quick, "--rungs", "linear", "--quiet")
    assert ended.code == 0, ended.err
    assert tunesmith.load(tmp_path / "m").bundle.facts.data.label == "Sachgebiet"


def test_labelled_rows_are_not_proposed(probed: Model, pool: Path, tickets: Path, tmp_path: Path) -> None:
    """Neither those of the other file nor those that the file itself has filled in."""
    half = written(tmp_path / "half.csv", ["text", "topic"], [[text, label] for text, label in rows()[:80]])
    found = proposed(probed.folder, pool, "-n", "100", "--labelled", half)
    assert sorted(row["row"] for row in found["proposed"]) == list(range(81, 121))
    assert found["left_out"] == {"empty": 1, "labelled": 80, "repeated": 0}
    cells = [[text, label if n % 2 else ""] for n, (text, label) in enumerate(rows())]
    mixed = written(tmp_path / "mixed.csv", ["text", "Topic"], cells)
    found = proposed(probed.folder, mixed, "-n", "100")
    assert sorted(row["row"] for row in found["proposed"]) == list(range(1, 121, 2))
    assert (found["label_column"], found["left_out"]["labelled"]) == ("Topic", 60)
    assert list(records(tmp_path / "mixed.next.csv")[0]) == ["text", "Topic", *OURS]
    found = proposed(probed.folder, mixed, "-n", "100", "--labelled", mixed, "--force")
    assert found["left_out"]["labelled"] == 60, "rows of the other file without a label are not labelled"
    ended = run("next", probed.folder, "--unlabelled", pool, "--labelled", tickets, "--force")
    assert_error(
        ended, "nothing-to-label", "pool.csv", "120 that are labelled, or nearly a labelled row", "1 without a text"
    )


def test_a_proposal_is_not_replaced(probed: Model, pool: Path) -> None:
    """Somebody may have filled it in; it can be asked for, and rows of ours are not kept twice."""
    proposed(probed.folder, pool, "-n", "5")
    sheet = pool.with_name("pool.next.csv")
    before = sheet.read_bytes()
    assert_error(run("next", probed.folder, "--unlabelled", pool), "out-exists", "pool.next.csv", "--force")
    assert sheet.read_bytes() == before
    proposed(probed.folder, pool, "-n", "7", "--force")
    assert len(records(sheet)) == 7
    with_more = [[*row.values(), "old"] for row in records(sheet)]
    written(sheet, [*records(sheet)[0], "tunesmith_margin"], with_more)
    found = proposed(probed.folder, sheet, "-n", "3")
    assert found["out"].endswith("pool.next.next.csv")
    assert list(records(Path(found["out"]))[0]) == ["id", "text", "topic", *OURS]


def test_cells_that_a_spreadsheet_would_run_are_disarmed(probed: Model, tmp_path: Path) -> None:
    """And what is no number in a column without texts is as well; JSON lines have cells as they are."""
    texts = ["=1+1 where is my card", "+49 is my parcel lost", "@all where is my money"]
    pool = written(tmp_path / "pool.csv", ["text", "=note"], [[text, "-3.5"] for text in texts])
    proposed(probed.folder, pool)
    sheet = records(tmp_path / "pool.next.csv")
    assert sorted(row["text"] for row in sheet) == sorted(f"'{text}" for text in texts)
    assert {row["'=note"] for row in sheet} == {"-3.5"}
    proposed(probed.folder, pool, "--out", tmp_path / "next.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "next.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["text"] for line in lines) == sorted(texts)
    assert list(lines[0]) == ["text", "=note", "topic", *OURS]


def test_texts_come_back_as_they_were_given(probed: Model, tmp_path: Path, quick: list[str]) -> None:
    """No apostrophe is learnt, other columns of the pool are no hindrance, and what is printed can be run."""
    texts = [("=1+1 " if n % 2 else "@all ") + text for n, (text, _) in enumerate(rows())]
    pool = written(
        tmp_path / "pool.csv", ["text", "=note", "id"], [[text, "x", str(n)] for n, text in enumerate(texts)]
    )
    labelled = written(tmp_path / "labelled.csv", ["text", "topic"], [[text, label] for text, label in rows()])
    ended = run("next", probed.folder, "--unlabelled", pool, "-n", "30", "--labelled", labelled)
    command = next(line for line in ended.out.splitlines() if line.startswith("  tunesmith train "))
    sheet = records(tmp_path / "pool.next.csv")
    label_of = {text: label for text, (_, label) in zip(texts, rows(), strict=True)}
    filled = [[*row.values()] for row in ({**row, "topic": label_of[row["text"][1:]]} for row in sheet)]
    written(tmp_path / "pool.next.csv", list(sheet[0]), filled)
    assert sorted(read_table(tmp_path / "pool.next.csv").columns["text"]) == sorted(row["text"][1:] for row in sheet)
    assert "=note" in read_table(tmp_path / "pool.next.csv").columns
    trained = run(*command.split()[1:], "--out", tmp_path / "m", *quick, "--rungs", "linear", "--quiet")
    assert trained.code == 0, trained.err
    assert tunesmith.load(tmp_path / "m").bundle.facts.data.rows == 120 + 30


def test_the_task_is_told_again(tmp_path: Path, quick: list[str]) -> None:
    """Levels look like labels: without the flag the same rows would be learnt as these."""
    cells = [[text, str(n % 3), "no"] for n, (text, _) in enumerate(rows())]
    data = written(tmp_path / "stars.csv", ["body", "stars", "other"], cells)
    flags = ["--task", "ordinal", "--text", "body", "--label", "stars"]
    ended = run("train", data, "--out", tmp_path / "m", *quick, "--rungs", "linear", "--quiet", *flags)
    assert ended.code == 0, ended.err
    pool = written(tmp_path / "pool.csv", ["body"], [[f"another {text}"] for text, _ in rows()])
    ended = run("next", tmp_path / "m", "--unlabelled", pool, "-n", "5")
    assert ended.out.splitlines()[-1].endswith(f"pool.next.csv {' '.join(flags)}")


def test_rows_that_are_not_filled_in_are_not_learnt_as_none_of_the_labels(tmp_path: Path, quick: list[str]) -> None:
    """Elsewhere an empty cell is an answer where a text may have several labels."""
    cells = [[text, ["card;lost", "lost", "", "card"][n % 4]] for n, (text, _) in enumerate(rows())]
    data = written(tmp_path / "tags.csv", ["text", "tags"], cells)
    flags = [*quick, "--rungs", "linear", "--quiet", "--task", "multi_label"]
    assert run("train", data, "--out", tmp_path / "m", *flags).code == 0
    pool = written(tmp_path / "pool.csv", ["text"], [[f"another {text}"] for text, _ in rows()])
    proposed(tmp_path / "m", pool, "-n", "4")
    sheet = tmp_path / "pool.next.csv"
    assert_error(run("train", data, sheet, "--out", tmp_path / "n", *flags), "label-missing", "4 of 124 rows")
    ended = run("train", data, sheet, "--out", tmp_path / "n", *flags, "--drop-unlabelled")
    assert ended.code == 0, ended.err
    assert tunesmith.load(tmp_path / "n").bundle.facts.data.rows == 120


def test_rows_come_from_everywhere(probed: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files, standard input, and other names of columns."""
    monkeypatch.chdir(tmp_path)
    half = len(rows()) // 2
    for name, some in (("one", rows()[:half]), ("two", rows()[half:])):
        written(tmp_path / f"{name}.csv", ["Anliegen", "note"], [[text, "x"] for text, _ in some])
    flags = ["--unlabelled", "two.csv", "--text", "Anliegen"]
    found = proposed(probed.folder, tmp_path / "one.csv", *flags, "-n", "120")
    assert (found["rows"], len(found["proposed"]), found["out"]) == (120, 120, "next.csv")
    stdin = json.dumps({"text": "where is my card?"}).encode()
    ended = run("next", probed.folder, "--unlabelled", "-", "--out", "typed.csv", "--json", stdin=stdin)
    assert ended.json()["rows"] == 1


def test_what_is_printed(probed: Model, pool: Path, tickets: Path) -> None:
    """The first rows with what the model makes of them, what was left out, and the command to go on with."""
    ended = run("next", probed.folder, "--unlabelled", pool, "-n", "30", "--threads", "1", "--quiet")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[20:22] == ["        and 10 more", ""]
    first = records(pool.with_name("pool.next.csv"))[0]
    assert lines[0].split()[0] == first["tunesmith_row"]
    assert first["text"] in lines[0]
    assert "30 rows of 121 to label, by both, features: the vectors that its head sees" in ended.out
    assert "left out: 1 without a text" in ended.out
    assert lines[-1] == f"  tunesmith train LABELLED.csv {pool.with_name('pool.next.csv')}"
    half = written(pool.with_name("half.csv"), ["text", "topic"], rows()[:60])
    ended = run("next", probed.folder, "--unlabelled", pool, "--labelled", half, "--force", "-n", "1", "--quiet")
    assert f"tunesmith train {half} {pool.with_name('pool.next.csv')}" in ended.out


def test_wrong_requests_are_refused(probed: Model, pool: Path) -> None:
    """Each by its code, before anything is computed, and nothing is written."""
    asked = ["next", probed.folder, "--unlabelled", pool]
    unread = run("next", probed.folder, "--unlabelled", pool.with_name("nowhere.csv"), "--by", "uncertain")
    assert_error(unread, "unknown-strategy", "uncertainty")
    assert_error(run(*asked, "--out", pool.with_name("next.xlsx")), "unknown-format", ".csv, .jsonl")
    assert_error(run(*asked, "--pair", "id"), "texts-expected", "--pair")
    assert_error(run("next", probed.folder), "no-data", "--unlabelled FILE")
    assert run(*asked, "-n", "0").code == 2
    assert not pool.with_name("pool.next.csv").exists()


def test_a_model_of_numbers_goes_by_diversity(tmp_path: Path, quick: list[str]) -> None:
    """It does not say how sure it is, so nothing can go by that; and what it says has no probability."""
    cells = [[text, f"{len(text) / 10:.1f}"] for text, _ in rows()]
    data = written(tmp_path / "scores.csv", ["text", "score"], cells)
    model = tmp_path / "m"
    ended = run("train", data, "--out", model, *quick, "--rungs", "linear", "--task", "score", "--quiet")
    assert ended.code == 0, ended.err
    pool = written(tmp_path / "pool.csv", ["text"], [[text] for text, _ in rows()])
    found = proposed(model, pool, "-n", "4")
    assert found["by"] == "diversity"
    assert [row["margin"] for row in found["proposed"]] == [None] * 4
    sheet = records(tmp_path / "pool.next.csv")
    assert list(sheet[0]) == ["text", "score", "tunesmith_prediction", "tunesmith_row"]
    asked = ("next", model, "--unlabelled", pool, "--force", "--by")
    assert_error(run(*asked, "both"), "strategy-unfit", "score", "--by diversity")


def test_texts_of_several_labels_and_pairs(tmp_path: Path, quick: list[str]) -> None:
    """The label nearest to its threshold tells; pairs are compared as pairs."""
    cells = [[text, ["card;lost", "lost", "", "card"][n % 4]] for n, (text, _) in enumerate(rows())]
    data = written(tmp_path / "tags.csv", ["text", "tags"], cells)
    flags = [*quick, "--rungs", "linear", "--quiet"]
    ended = run("train", data, "--out", tmp_path / "m", *flags, "--task", "multi_label", "--separator", ";")
    assert ended.code == 0, ended.err
    pool = written(tmp_path / "pool.csv", ["text"], [[text] for text, _ in rows()])
    found = proposed(tmp_path / "m", pool, "-n", "4")
    assert all("labels" in row and row["margin"] is not None for row in found["proposed"])
    ended = run("next", tmp_path / "m", "--unlabelled", pool, "--labelled", data, "--force")
    assert_error(ended, "nothing-to-label", "120 that are labelled")  # none of the labels is an answer too
    pairs = [[one, other, str(n % 2)] for n, ((one, _), (other, _)) in enumerate(zip(rows(), rows()[1:], strict=False))]
    data = written(tmp_path / "pairs.csv", ["text_a", "text_b", "label"], pairs)
    ended = run("train", data, "--out", tmp_path / "p", *flags)
    assert ended.code == 0, ended.err
    pool = written(tmp_path / "two.csv", ["text_a", "text_b"], [pair[:2] for pair in pairs])
    found = proposed(tmp_path / "p", pool, "-n", "4")
    assert list(records(tmp_path / "two.next.csv")[0]) == ["text_a", "text_b", "label", *OURS]


def test_from_python(probed: Model) -> None:
    """The same rows as the command gives, by their place among the texts."""
    model = tunesmith.load(probed.folder)
    texts = ["", *(text for text, _ in rows())]
    found = model.next(texts, 6, labelled=texts[:50], seed=3)
    assert len({each.index for each in found}) == 6
    assert min(each.index for each in found) >= 50
    for each in found:
        (answer,) = model.predict([texts[each.index]])
        assert each.prediction.label == answer.label
        assert each.margin is not None
        assert 0.0 <= each.margin <= 1.0
    assert [each.index for each in model.next(texts, 6, labelled=texts[:50], seed=3)] == [each.index for each in found]
    everything = model.next(texts, 1000, by="uncertainty")
    assert sorted(each.index for each in everything) == list(range(1, 121))
    assert [each.margin for each in everything] == sorted(each.margin or 0.0 for each in everything)
    with pytest.raises(ConfigError, match="n = 0"):
        model.next(texts, 0)
