"""Where rows come from: every format, several files, standard input and a query give the same model and answers."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.cli.running import run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text

_FORMS = ["gz", "parquet", "several", "pattern", "stdin", "packed stdin", "sql"]


@pytest.fixture(scope="module")
def rows(tickets: Path) -> list[dict[str, str]]:
    """The rows of the labelled file."""
    with tickets.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def expected(tickets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the plain file gives."""
    out = tmp_path_factory.mktemp("plain") / "m"
    ended = run("train", tickets, "--rungs", "linear", "--offline", "--threads", "1", "--out", out, "--json")
    assert ended.code == 0, ended.err
    return {"rungs": [rung["validation"] for rung in ended.json()["rungs"]], "model": out}


def given(form: str, tickets: Path, rows: list[dict[str, str]], folder: Path) -> tuple[list[str], bytes]:
    """Arguments that name the rows in one form, and what stands at standard input."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    match form:
        case "gz":
            (folder / "t.csv.gz").write_bytes(gzip.compress(tickets.read_bytes()))
            return [str(folder / "t.csv.gz")], b""
        case "parquet":
            parquet.write_table(pa.table(columns), folder / "t.parquet")
            return [str(folder / "t.parquet")], b""
        case "several" | "pattern":
            middle = len(rows) // 2
            (folder / "a.csv").write_text(
                csv_text(list(columns), [list(row.values()) for row in rows[:middle]]), "utf-8"
            )
            lines = [json.dumps(row) + "\n" for row in rows[middle:]]
            (folder / "b.jsonl").write_text("".join(lines), "utf-8")
            files = [str(folder / "a.csv"), str(folder / "b.jsonl")]
            return files if form == "several" else [str(folder / "[ab].*")], b""
        case "sql":
            with closing(sqlite3.connect(folder / "t.db")) as database, database:
                database.execute(f"create table t ({', '.join(columns)})")
                marks = ", ".join("?" * len(columns))
                database.executemany(f"insert into t values ({marks})", [list(row.values()) for row in rows])
            return ["--sql", "select * from t order by rowid", "--db", f"sqlite:///{folder / 't.db'}"], b""
        case _:
            content = tickets.read_bytes()
            return ["-"], gzip.compress(content) if form == "packed stdin" else content


@pytest.mark.parametrize("form", _FORMS)
def test_training_and_measuring_take_every_form(
    form: str, tickets: Path, rows: list[dict[str, str]], expected: dict[str, object], tmp_path: Path
) -> None:
    """The same rows: the same figures, from train and from evaluate."""
    named, stdin = given(form, tickets, rows, tmp_path)
    flags = ["--rungs", "linear", "--offline", "--threads", "1", "--out", str(tmp_path / "m"), "--json"]
    ended = run("train", *named, *flags, stdin=stdin)
    assert ended.code == 0, ended.err
    assert [rung["validation"] for rung in ended.json()["rungs"]] == expected["rungs"]
    model = str(expected["model"])
    measured = run("evaluate", model, *named, "--json", stdin=stdin)
    assert measured.json() == run("evaluate", model, str(tickets), "--json").json()
    checked = run("check", *named, "--json", stdin=stdin).json()
    assert checked["rows"] == len(rows)


@pytest.mark.parametrize("form", _FORMS)
def test_answering_takes_every_form(
    form: str, tickets: Path, rows: list[dict[str, str]], expected: dict[str, object], tmp_path: Path
) -> None:
    """The same answers, to the byte."""
    named, stdin = given(form, tickets, rows, tmp_path)
    model = str(expected["model"])
    assert run("predict", model, *named, stdin=stdin).out == run("predict", model, str(tickets)).out


def test_rows_of_several_files_are_told_by_file(tmp_path: Path) -> None:
    """In errors and in findings: line 3 of which file?"""
    (tmp_path / "a.csv").write_text("text,label\nhi there,x\nwhere is it,y\n", "utf-8")
    (tmp_path / "b.csv").write_text("text,label\n,x\nwhere is it,\n", "utf-8")
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    ended = run("train", *files, "--out", str(tmp_path / "m"))
    assert ended.code == 2
    assert f"{tmp_path / 'b.csv'}:3" in ended.err
    (empty,) = (f for f in json.loads(run("check", *files, "--json").out)["findings"] if f["code"] == "empty-text")
    assert (empty["rows"], empty["files"]) == ([2], [files[1]])
    assert f"{tmp_path / 'b.csv'}:2" in run("check", *files).out


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ([], "no-data"),
        (["t.csv", "--sql", "select 1", "--db", "sqlite:///t.db"], "two-inputs"),
        (["--sql", "select 1"], "bad-database"),
        (["--db", "sqlite:///t.db"], "bad-database"),
    ],
)
def test_rows_are_named_in_one_way(named: list[str], code: str) -> None:
    """Files or a query, and a query with its database."""
    ended = run("check", *named)
    assert ended.code == 2
    assert f"error[{code}]" in ended.err


def test_the_address_of_a_database_is_not_kept(tickets: Path, rows: list[dict[str, str]], tmp_path: Path) -> None:
    """It may hold a password; neither the model nor what lies beside it may tell."""
    named, _ = given("sql", tickets, rows, tmp_path)
    secret = named[-1] + "?password=s3cret"
    ended = run("train", *named[:-1], secret, "--rungs", "linear", "--offline", "--out", str(tmp_path / "m"))
    assert ended.code == 0, ended.err
    files = [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".db"]
    assert files
    assert not [file for file in files if b"s3cret" in file.read_bytes()]
    assert "s3cret" not in ended.out + ended.err


def test_bad_rows_are_left_out_by_every_command(tickets: Path, expected: dict[str, object], tmp_path: Path) -> None:
    """And counted, so that nobody wonders where they are."""
    data = tmp_path / "t.csv"
    data.write_text(tickets.read_text("utf-8") + "bad row\n", "utf-8")
    model, told = str(expected["model"]), "1 row that cannot be read was left out"
    out = str(tmp_path / "m")
    for command in (
        ["check"],
        ["evaluate", model],
        ["train", "--rungs", "linear", "--offline", "--out", out],
        ["predict", model],
    ):
        assert run(*command, str(data)).code == 2
        ended = run(*command, str(data), "--skip-bad-rows")
        assert ended.code == 0, ended.err
        assert told in " ".join(ended.err.split())


def test_rows_of_what_has_no_lines_are_told_as_rows(tmp_path: Path) -> None:
    """A Parquet file has none to look up."""
    parquet.write_table(pa.table({"text": ["hi there", ""], "label": ["x", "y"]}), tmp_path / "a.parquet")
    ended = run("check", tmp_path / "a.parquet")
    assert any(line.endswith("(row 2)") for line in ended.out.splitlines() if "empty-text" in line)
    found = run("check", tmp_path / "a.parquet", "--json").json()
    assert problems("check.json", found) == []
    assert {finding["unit"] for finding in found["findings"]} == {"row"}


def test_a_recipe_may_name_the_query(tickets: Path, rows: list[dict[str, str]], tmp_path: Path) -> None:
    """Every flag stands for a key, in predict as in train."""
    named, _ = given("sql", tickets, rows, tmp_path)
    recipe = tmp_path / "run.toml"
    recipe.write_text(f'[data]\nsql = "{named[1]}"\ndb = "{named[3]}"\n', "utf-8")
    out = tmp_path / "m"
    ended = run("train", "--config", recipe, "--rungs", "linear", "--offline", "--out", out)
    assert ended.code == 0, ended.err
    assert run("predict", out, "--config", recipe).out == run("predict", out, tickets).out
