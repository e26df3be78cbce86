"""Networks from scratch: each cell is a command that runs, and its figures stand in the tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS, Results
from benchmarks.from_scratch import run as subject
from benchmarks.provenance import provenance
from tests.benchmarks.trials import long_trial

from tunesmith.models.networks import NETWORKS


def test_every_network_is_measured() -> None:
    """With both beginnings of its word vectors; and what is to be quick on all rows."""
    assert set(subject.NETWORKS) == set(NETWORKS.names())
    assert len(set(subject.CELLS)) == len(subject.CELLS) == 1 + 3 + 2 * 5 + 3


@pytest.mark.parametrize("cell", ["banking77/cnn/base", pytest.param(subject.EVERY_RUNG, marks=long_trial)])
def test_a_cell_is_a_run_that_ends(cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line on a small file of that name; its figures are laid out."""
    folder = tmp_path / "banking77"
    folder.mkdir()
    for name, n_rows in (("train", 20), ("test", 9)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows((f"parcel {row} is {word}", word) for word in ("late", "lost") for row in range(n_rows))
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path))
    found = subject.measured(cell, tmp_path, threads=1)
    assert found["seconds"] > sum(rung["seconds"] for rung in found["rungs"])
    assert found["kept"] in [rung["name"] for rung in found["rungs"]]
    if cell == subject.EVERY_RUNG:
        lines = subject.ladder_markdown(found).splitlines()
        climbed = [line.split("`")[1] for line in lines if line.startswith("| `")]
        assert climbed == [rung["name"] for rung in found["rungs"]]
        assert set(subject.NETWORKS) < set(climbed)
        subject.draw(tmp_path / "model", tmp_path)
        pictures = [(tmp_path / f"banking77-all.{language}.svg").read_text("utf-8") for language in ("en", "zh")]
        assert all("<svg" in picture and "lstm" in picture.lower() for picture in pictures)
        assert len(set(pictures)) == 2
    else:
        lines = subject.markdown({cell: found}).splitlines()
        (line,) = (line for line in lines if line.startswith("| banking77, `cnn`"))
        assert line.endswith(f"| {found['seconds']:.0f} |")


def test_the_ladder_and_the_networks_each_name_their_machine(tmp_path: Path) -> None:
    """They may have been measured on different ones, with different threads."""
    share = {"value": 0.9, "low": 0.8, "high": 0.95}
    rung = {"name": "cnn", "validation": share, "seconds": 3.0, "tflop": 1.0, "peak_mib": 400.0}
    found = {"test": share, "seconds": 8.0, "kept": "cnn", "rungs": [rung], "cpu": "some processor"}
    for cell, threads in ((subject.EVERY_RUNG, 2), ("sst2_glue/cnn/random", 1)):
        here = provenance("from_scratch", threads=threads, packages=())
        Results(tmp_path / subject.results_of(cell), here).add(cell, found)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", encoding="utf-8")
    networks, ladder = subject.write_table(tmp_path, readme).split("`--rungs all")
    assert "some processor" in networks
    assert "some processor" in ladder
    assert ", 1 thread," in networks
    assert ", 2 threads," in ladder
    assert readme.read_text("utf-8").startswith(f"before\n{TABLE_BEGINS}\n| trained alone")
