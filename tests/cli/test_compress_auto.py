"""``tunesmith compress --to auto`` and chains of techniques, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems

from tunesmith.bundle.load import load_bundle

_SHORT = ("--set", "technique.student.epochs=1", "--set", "technique.auto.chains=['int8','student+int8']")


@pytest.fixture(scope="module")
def searched(probed: Model, tickets: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The best of int8, a student, and that in whole numbers."""
    out = tmp_path_factory.mktemp("searched") / "best.model"
    how = ["--to", "auto", "--max-loss", "60", "--size", "90MB", "--threads", "1", "--json"]
    return Model(out, run("compress", probed.folder, "--data", tickets, "--out", out, *how, *_SHORT))


def chosen(found: dict[str, Any]) -> dict[str, Any]:
    """The candidate that was taken."""
    (only,) = (each for each in found["candidates"] if each["chosen"])
    return dict(only)


def test_all_that_was_tried_is_told(searched: Model) -> None:
    """By the schema, the model itself first; what was chosen keeps the limits, and is what was written."""
    found = searched.trained.json()
    assert problems("compress.json", found) == []
    assert found["to"] == "auto"
    assert [each["name"] for each in found["candidates"]] == ["as it is", "int8", "student", "student+int8"]
    best = chosen(found)
    assert best["misses"] == []
    assert "+".join(found["steps"]) == best["name"]
    assert found["loss"]["accuracy"] == pytest.approx(best["loss"])
    assert found["after"]["size_mib"] == pytest.approx(best["size_mib"], abs=0.01)
    assert any(each["unbeaten"] for each in found["candidates"])


def test_the_bundle_says_by_what_it_was_made(searched: Model, probed: Model) -> None:
    """Its last technique, those before, and the model that all of them began with."""
    found = searched.trained.json()
    compression = load_bundle(searched.folder).facts.compression
    assert compression is not None
    assert [*compression.earlier, compression.to] == found["steps"]
    assert compression.parent == load_bundle(probed.folder).manifest_sha256
    page = (searched.folder / "report.html").read_text("utf-8")
    assert "What was tried" in page
    assert page.count("<svg") == 2
    costs = json.loads((searched.folder / "costs.json").read_text("utf-8"))
    assert costs["compression"]["candidates"] == found["candidates"]


def test_techniques_follow_one_another(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """A student in whole numbers, held to the model itself; the table has no candidates."""
    out = tmp_path / "small.model"
    how = ["--to", "student+int8", "--max-loss", "60", "--threads", "1", "--set", "technique.student.epochs=1"]
    found = run("compress", probed.folder, "--data", tickets, "--out", out, *how, "--json").json()
    assert problems("compress.json", found) == []
    assert found["to"] == "student+int8"
    assert found["steps"] == ["student", "int8"]
    assert found["candidates"] == []
    told = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert (told["kind"], told["compression"]["to"], told["compression"]["earlier"]) == ("runtime", "int8", ["student"])
    assert "compressed int8 of student: lost" in run("info", out).out
    assert run("predict", out, "--text", "my card is lost", "--json").json()["label"]


def test_where_nothing_fits_nothing_is_written(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Exit 4, with what each lacks; the search is told on the way."""
    out = tmp_path / "none.model"
    how = ["--to", "auto", "--size", "1KB", "--set", "technique.auto.chains=int8", "--threads", "1"]
    ended = run("compress", probed.folder, "--data", tickets, "--out", out, *how)
    assert ended.code == 4
    told, problem = ended.err.split("error[nothing-fits]")
    assert "\nint8: +" in told
    assert "found    int8: 0." in problem
    assert list(tmp_path.iterdir()) == []


def test_limits_and_chains_that_cannot_be_are_refused(probed: Model, tickets: Path) -> None:
    """Before any row is read."""
    for how, code in (
        (["--size", "10MB"], "limit-unused"),
        (["--to", "static", "--latency", "1ms"], "limit-unused"),
        (["--to", "int8+student"], "technique-not-last"),
        (["--to", "student+int4"], "unknown-technique"),
        (["--to", "auto", "--size", "ten"], "bad-size"),
        (["--to", "auto", "--latency", "2"], "bad-latency"),
    ):
        assert_error(run("compress", probed.folder, "--data", tickets, *how), code, code=2)


def test_the_table_is_printed(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """A line for each model that was tried, the chosen one marked."""
    how = ["--to", "auto", "--max-loss", "5", "--set", "technique.auto.chains=int8", "--threads", "1", "--quiet"]
    lines = run("compress", probed.folder, "--data", tickets, "--out", tmp_path / "out.model", *how).out.splitlines()
    table = lines[[line.split()[:1] == ["tried"] for line in lines].index(True) + 1 :]
    assert sorted(line.split()[0] for line in table) == ["as", "int8"]
    assert sum(line.endswith("chosen") for line in table) == 1
