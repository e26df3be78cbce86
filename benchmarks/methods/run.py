"""What each method of fine-tuning learns, costs and needs; writes results/SET.json and the table.

python -m benchmarks.methods.run [--only METHOD …] [--sets SET …] [--seeds 3]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cells import cells_of, origin_of, places, put_table, read_results
from benchmarks.provenance import told
from benchmarks.training_choices.choices import Choice
from benchmarks.training_choices.compare import compared
from benchmarks.training_choices.compare import told as told_difference
from benchmarks.training_choices.run import flags_of, measure_all
from benchmarks.training_choices.sets import Set

README = Path(__file__).resolve().with_name("README.md")
TABLE = "table.json"

FULL = "full"
FASTER = {"learning_rate": 4e-3}
"""Twice the rate of the methods as they are, for those with more room."""

METHODS = (
    Choice(FULL, "all", {"method": "full"}),
    Choice("topk", "part", {"method": "topk"}),
    Choice("bitfit", "part", {"method": "bitfit"}),
    Choice("lora", "beside", {"method": "lora"}),
    Choice("lora_rank_7", "beside", {**FASTER, "method": "lora", "method_options": {"rank": 7, "alpha": 14.0}}),
    Choice("dora", "beside", {"method": "dora"}),
    Choice("adalora", "beside", {"method": "adalora"}),
    Choice("pfeiffer", "beside", {"method": "adapter"}),
    Choice("pfeiffer_6", "beside", {**FASTER, "method": "adapter", "method_options": {"reduction": 6}}),
    Choice("houlsby", "beside", {"method": "adapter", "method_options": {"placement": "houlsby"}}),
)
SETS = {
    "financial_phrasebank": Set("financial_phrasebank", None, None),
    "sst2_glue_10k": Set("sst2_glue", 10_000, None),
    "banking77": Set("banking77", None, None),
    "sst2_glue": Set("sst2_glue", None, None),
}


def write_table(folder: Path, readme: Path) -> dict[str, Any]:
    """Compare what has been measured, and put the table into the text about it.

    Args:
        folder: Holds the cells; the comparison is written there too.
        readme: Has a place for the table.

    Returns:
        The comparison.
    """
    wholes = read_results(folder, list(SETS))
    cells = {name: cells_of(whole) for name, whole in wholes.items()}
    entries = compared(cells, METHODS, default=FULL)
    for entry in entries:
        one = next(
            cell for of_set in cells.values() for key, cell in of_set.items() if key.startswith(f"{entry['name']}/")
        )
        entry["trained_weights"], entry["layer_weights"] = one["trained_weights"], one["layer_weights"]
    table = {
        **origin_of(wholes),
        "sets": list(wholes),
        "methods": entries,
    }
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    put_table(readme, f"{markdown(table)}\n\n{told(table)}")
    return table


def markdown(table: Mapping[str, Any]) -> str:
    """Lay the comparison out.

    Args:
        table: With the names of the data sets and an entry a method.

    Returns:
        A Markdown table; cells that were not measured are empty.
    """
    sets = table["sets"]
    lines = [f"| | weights | {' | '.join(sets)} | seconds | memory |", "|---|" + "---:|" * (len(sets) + 3)]
    for entry in table["methods"]:
        found = entry["sets"]
        share = f"{100 * entry['trained_weights'] / entry['layer_weights']:.1f} %"
        if entry["name"] == FULL:
            cells = [f"{found[name]['accuracy']:.1f} %" if name in found else "" for name in sets]
        else:
            cells = [told_difference(found.get(name)) for name in sets]
        costs = [_mean(found, name) for name in ("seconds", "memory")]
        lines.append(f"| `{entry['name']}` | {share} | {' | '.join([*cells, *costs])} |")
    return "\n".join(lines)


def _mean(found: Mapping[str, Mapping[str, float]], name: str) -> str:
    return f"{sum(each[name] for each in found.values()) / len(found):.2f}"


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, compare, print.

    Args:
        arguments: Those of the command line where left out.
    """
    flags = flags_of(__doc__ or "", arguments, choices=METHODS, sets=SETS)
    folder, readme, scratch = places(README, is_trial=flags.rows is not None or flags.epochs is not None)
    measure_all(flags, folder, scratch, choices=METHODS, sets=SETS)
    print(markdown(write_table(folder, readme)))


if __name__ == "__main__":
    main()
