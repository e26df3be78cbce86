"""``check`` finds what ``train`` refuses; rows without a label can be left out of looking and measuring alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import Ended, assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

from tunesmith.types import JSON

CASES: dict[str, tuple[list[tuple[str, str]], list[int]]] = {
    "one-row": ([("where is it?", "a")], [2]),
    "one-class": ([("where is it?", "a"), ("what is it?", "a")], [2, 3]),
    "label-missing": ([("where is it?", "a"), ("what is it?", " "), ("who is it?", "b")], [3]),
}
"""Code to rows that are refused with it, and the lines that are named."""


def written(path: Path, records: list[tuple[str, str]]) -> Path:
    """Write a labelled file."""
    path.write_text(csv_text(["text", "topic"], records), "utf-8")
    return path


def findings(ended: Ended) -> dict[str, JSON]:
    """What was printed, by code, and by the contract."""
    found = json.loads(ended.out)
    assert problems("check.json", found) == []
    return {finding["code"]: finding for finding in found["findings"]}


@pytest.mark.parametrize("code", CASES)
def test_what_training_refuses_is_a_finding(code: str, tmp_path: Path) -> None:
    """Of severity error, with its lines, beside the other findings; exit 2."""
    records, lines = CASES[code]
    data = written(tmp_path / "t.csv", records)
    assert_error(run("train", data, "--out", tmp_path / "m", "--budget", "none"), code)
    ended = run("check", data, "--json")
    assert (ended.code, ended.err) == (2, "")
    finding = findings(ended)[code]
    assert (finding["severity"], finding["rows"]) == ("error", lines)
    assert json.loads(ended.out)["rows"] == len(records)


def test_all_findings_are_told_beside_a_missing_label(tmp_path: Path) -> None:
    """One empty label must not hide the rest of the file."""
    data = written(tmp_path / "t.csv", [*rows(), ("", "card"), ("where is it?", "")])
    assert set(findings(run("check", data, "--json"))) >= {"label-missing", "empty-text"}


def test_a_file_without_any_label(tmp_path: Path) -> None:
    """The column is wrong; leaving all rows out is no way out."""
    data = written(tmp_path / "t.csv", [("where is it?", ""), ("what is it?", "")])
    for flags in ([], ["--drop-unlabelled"]):
        ended = run("check", data, "--json", "--text", "text", "--label", "topic", *flags)
        assert ended.code == 2
        assert "--label" in findings(ended)["label-missing"]["message"]


@pytest.mark.parametrize("flags", [["--drop-unlabelled"], ["--set", "data.drop_unlabelled=true"]])
@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_rows_without_a_label_can_be_left_out(command: str, flags: list[str], probed: Model, tmp_path: Path) -> None:
    """By the flag or the recipe's key, as for ``train``; which ones is told on stderr, and not with --quiet."""
    data = written(tmp_path / "t.csv", [*rows(), ("where is it?", "")])
    arguments = {"check": [data], "evaluate": [probed.folder, data]}[command]
    refused = run(command, *arguments)
    assert refused.code == 2
    assert "label-missing" in (refused.out + refused.err)
    ended = run(command, *arguments, *flags)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("120 rows, ")
    assert "label-missing" not in ended.out
    assert "1 row without a label was left out (line 122)" in ended.err
    assert run(command, *arguments, *flags, "--quiet").err == ""
    assert run(command, *arguments, *flags, "--json").json()["rows"] == 120


def test_check_tells_what_was_read_and_why(tickets: Path, tmp_path: Path) -> None:
    """On stderr, so that the findings stand alone on stdout; not with --quiet, and not with --json."""
    data = tmp_path / "t.csv"
    data.write_text(tickets.read_text("utf-8").replace("id,text", ",text"), "utf-8")
    ended = run("check", data)
    assert ended.err.splitlines() == [
        "column 1 has no name in the header; called column_1",
        'text: column "text", by its name',
        'label: column "topic", by its name',
    ]
    for flag in ("--quiet", "--json"):
        assert run("check", data, flag).err == ""
