"""What texts without labels are worth beside few labels; writes results/NAME.json and the table of the README.

python -m benchmarks.self_training.run [banking77] [clinc150] [sst2_glue] [--draws 4]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.cells import put_table, read_results
from benchmarks.few_labels.compare import interval
from benchmarks.next_rows.learning import Material, read_material
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.self_training.teaching import answered, draw

from tunesmith.ladder.rungs.selftrain import Options

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
SIZES: Mapping[str, tuple[int, ...]] = {"banking77": (5, 8, 16), "clinc150": (5, 8, 16), "sst2_glue": (16, 64)}
"""Rows of each label that are labelled."""

POOL, MOST_ROWS = 5000, 8000


def compared(material: Material, sizes: Sequence[int], *, n_draws: int) -> list[dict[str, Any]]:
    """Teach a head on each draw of each size.

    Args:
        material: The set.
        sizes: Rows of each label.
        n_draws: Draws of each size.

    Returns:
        Of each size accuracies without and with texts without labels, and what these gain, with 95 % intervals.
    """
    found = []
    for size in sizes:
        draws = [draw(material, per_label=size, pool=POOL, seed=seed) for seed in range(n_draws)]
        answers = [answered(material, *rows, options=Options(), seed=seed) for seed, rows in enumerate(draws)]
        alone, taught = (np.array([getattr(each, name) for each in answers], float) for name in ("alone", "taught"))
        found.append(
            {
                "rows_a_label": size,
                "labelled": len(draws[0][0]),
                "unlabelled": len(draws[0][1]),
                "alone": interval(alone),
                "taught": interval(taught),
                "gain": interval(taught - alone),
                "gains": (taught - alone).mean(axis=1).round(4).tolist(),
                "taken": [each.n_taken for each in answers],
            }
        )
    return found


def markdown(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the results out.

    Args:
        results: By set.

    Returns:
        A Markdown table: a line for each set and size.
    """
    lines = [
        "| data | rows a label | labels alone | self-training | gains, points | least and most of a draw |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, result in results.items():
        for entry in result["sizes"]:
            alone, taught = (f"{100 * entry[each][0]:.1f} %" for each in ("alone", "taught"))
            ends = " and ".join(f"{100 * end(entry['gains']):+.1f}" for end in (min, max))
            cells = [name, str(entry["rows_a_label"]), alone, taught, _gain(entry["gain"]), ends]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gain(shares: Sequence[float]) -> str:
    """Tell a gain with its interval, bold where that excludes none."""
    value, low, high = (100 * share for share in shares)
    text = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"**{text}**" if low > 0 or high < 0 else text


def write_table(folder: Path, readme: Path) -> None:
    """Put what has been measured into the text about it.

    Args:
        folder: Holds the results.
        readme: Has a place for the table.
    """
    results = read_results(folder, list(SIZES))
    put_table(readme, f"{markdown(results)}\n\n{told(next(iter(results.values())))}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for and write it down.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SIZES), metavar="NAME")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args(arguments)
    torch.set_num_threads(flags.threads)
    (HERE / "results").mkdir(exist_ok=True)
    for name in flags.names:
        started = time.monotonic()
        material = read_material(name, HERE / "scratch", most_rows=MOST_ROWS)
        sizes = compared(material, SIZES[name], n_draws=flags.draws)
        seconds = round(time.monotonic() - started, 1)
        origin = provenance("self_training", threads=flags.threads, packages=PACKAGES)
        result = {**origin, "seconds": seconds, "draws": flags.draws, "test_rows": len(material.test_labels)}
        (HERE / "results" / f"{name}.json").write_text(
            json.dumps({**result, "sizes": sizes}, indent=1) + "\n", encoding="utf-8"
        )
    write_table(HERE / "results", HERE / "README.md")


if __name__ == "__main__":
    main()
