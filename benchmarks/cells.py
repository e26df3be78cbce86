"""Results of a long benchmark, cell by cell, and the table in the text about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TABLE_BEGINS, TABLE_ENDS = "<!-- table -->", "<!-- end of table -->"
MUST_AGREE = ("machine", "threads", "versions")


class Results:
    """Cells on the disk; each is written as soon as it is measured, so that a run goes on where it was stopped.

    Args:
        path: The file; it need not be there.
        told: Where the figures come from.
        must_agree: What has to be alike for figures to compare.

    Raises:
        SystemExit: The file holds figures of another machine or other versions: they do not compare.
    """

    def __init__(self, path: Path, told: Mapping[str, Any], *, must_agree: Sequence[str] = MUST_AGREE) -> None:
        self._path = path
        self.whole: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {**told, "cells": {}}
        differing = [name for name in must_agree if self.whole[name] != told[name]]
        if differing:
            raise SystemExit(f"{path.name} is of another {' and '.join(differing)}; move it away to measure anew")

    def has(self, key: str) -> bool:
        """Tell whether a cell is measured.

        Args:
            key: Its name.

        Returns:
            Whether it is there.
        """
        return key in self.whole["cells"]

    def add(self, key: str, cell: Mapping[str, Any]) -> None:
        """Write a cell.

        Args:
            key: Its name.
            cell: What was measured.
        """
        self.whole["cells"][key] = cell
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.whole, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)


class Places(NamedTuple):
    """Where a benchmark writes to."""

    folder: Path
    """For results."""
    readme: Path
    """Has a place for the table."""
    scratch: Path
    """For all that is made on the way."""


def places(readme: Path, *, is_trial: bool) -> Places:
    """Make the folders that a benchmark writes to.

    Args:
        readme: The text about it, in its folder.
        is_trial: Leave results and text as they are, and write to the scratch folder alone.

    Returns:
        The places.
    """
    scratch = readme.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    if is_trial:
        shutil.copy(readme, scratch / readme.name)
        return Places(scratch, scratch / readme.name, scratch)
    folder = readme.parent / "results"
    folder.mkdir(exist_ok=True)
    return Places(folder, readme, scratch)


def read_results(folder: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read what has been measured.

    Args:
        folder: Holds a file for each name.
        names: To look for.

    Returns:
        By name, those that are there.
    """
    paths = {name: folder / f"{name}.json" for name in names}
    return {name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.is_file()}


def origin_of(wholes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Tell where figures come from.

    Args:
        wholes: Results of each data set.

    Returns:
        Date, command, threads and versions of the first; its machine, with the processors of all cells.
    """
    first: Mapping[str, Any] = next(iter(wholes.values()))
    processors = {cpu_of(whole, key) for whole in wholes.values() for key in whole["cells"]}
    machine = {**first["machine"], "cpu": " and ".join(sorted(processors))}
    return {**{name: first[name] for name in ("date", "command", "threads", "versions")}, "machine": machine}


def cpu_of(whole: Mapping[str, Any], key: str) -> str:
    """Name the processor that a cell was measured on.

    Args:
        whole: Results of one data set.
        key: The cell.

    Returns:
        As the cell says; the one that the results began on where it does not.
    """
    return str(whole["cells"][key].get("cpu", whole["machine"]["cpu"]))


def cells_of(whole: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the cells of one data set, each with the processor that it was measured on.

    Args:
        whole: Its results.

    Returns:
        By their names.
    """
    return {key: {**cell, "cpu": cpu_of(whole, key)} for key, cell in whole["cells"].items()}


def put_table(readme: Path, table: str) -> None:
    """Put a table into its place in a text.

    Args:
        readme: The text.
        table: Markdown.
    """
    before, _, rest = readme.read_text("utf-8").partition(TABLE_BEGINS)
    after = rest.partition(TABLE_ENDS)[2]
    readme.write_text(f"{before}{TABLE_BEGINS}\n{table}\n{TABLE_ENDS}{after}", encoding="utf-8")
