"""What each choice of training was worth, from the results of its benchmark, and what follows from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.training_choices.choices import DEFAULT

TABLE = Path(__file__).parent.parent / "benchmarks" / "training_choices" / "results" / "table.json"

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "none": "Not measured yet: `python -m benchmarks.training_choices.run` does it.",
        "header": "mean | seconds",
        "default": "default",
        "diverged": "diverged",
        "span": "{low:+.1f} to {high:+.1f}",
        "machine": "Points of test accuracy over the default, 95 % interval, and how many times as long; {seeds}, "
        "{cpu}, {cores}, {date}. Bold: the interval excludes zero. †: no option any more.",
        "seeds": "{} seeds",
        "seed": "{} seed",
        "cores": "{} cores",
        "core": "{} core",
        "better": "**Better than the default** in the mean of the data sets, zero excluded: {}.",
        "worse": "**Worse than the default**, zero excluded: {}.",
        "nothing": "none",
        "open": "Of the others no difference was found that these rows could show.",
        "partial": "Not all data sets are measured, so nothing follows yet.",
        "and": ", ",
    },
    "zh": {
        "none": "尚未测量：运行 `python -m benchmarks.training_choices.run` 即可。",
        "header": "平均 | 用时",
        "default": "默认",
        "diverged": "发散",
        "span": "{low:+.1f} 到 {high:+.1f}",
        "machine": "相对默认设置的测试准确率差（百分点）、95 % 置信区间，以及用时的倍数；{seeds}，{cpu}，"
        "{cores}，{date}。粗体：区间不含零。†：已不再提供。",
        "seeds": "{} 个种子",
        "seed": "{} 个种子",
        "cores": "{} 核",
        "core": "{} 核",
        "better": "**优于默认设置**（各数据集平均，区间不含零）：{}。",
        "worse": "**劣于默认设置**（区间不含零）：{}。",
        "nothing": "无",
        "open": "其余各项，这些样本未能显示出差别。",
        "partial": "尚未测完所有数据集，因此还得不出结论。",
        "and": "、",
    },
}


def training_choices_table(language: str) -> str:
    """Lay out every choice that was measured.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown table and the machine; a sentence where nothing was measured.
    """
    words = _WORDS[language]
    table = _measured()
    if table is None:
        return words["none"]
    sets = table["sets"]
    lines = [f"| | {' | '.join(sets)} | {words['header']} |", "|---|" + "---:|" * (len(sets) + 2)]
    lines += [_line(entry, sets, words) for entry in table["choices"]]
    n_seeds = [figures["seeds"] for entry in table["choices"] for figures in entry["sets"].values()]
    seeds = words["seed" if max(n_seeds) == 1 else "seeds"].format(
        "–".join(str(n) for n in sorted({min(n_seeds), max(n_seeds)}))
    )
    n_cores = table["machine"]["cores"]
    machine = {**table["machine"], "cores": words["core" if n_cores == 1 else "cores"].format(n_cores)}
    return "\n".join([*lines, "", words["machine"].format(**machine, date=table["date"], seeds=seeds)])


def training_advice(language: str) -> str:
    """Say what follows from the table, and no more than that.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown list; nothing where nothing was measured.
    """
    words = _WORDS[language]
    table = _measured()
    if table is None:
        return ""
    means = [(entry["told"], entry["mean"]) for entry in table["choices"] if "mean" in entry]
    if len(means) < 2:
        return words["partial"]
    better = words["and"].join(told for told, mean in means if mean["low"] > 0)
    worse = words["and"].join(told for told, mean in means if mean["high"] < 0)
    said = [words["better"].format(better or words["nothing"]), words["worse"].format(worse or words["nothing"])]
    return "\n".join(f"* {line}" for line in [*said, words["open"]])


def _measured() -> dict[str, Any] | None:
    """Read the comparison; None where there is none yet."""
    return json.loads(TABLE.read_text("utf-8")) if TABLE.is_file() else None


def _line(entry: Mapping[str, Any], sets: list[str], words: Mapping[str, str]) -> str:
    if entry["name"] == DEFAULT:
        cells = [f"{entry['sets'][name]['accuracy']:.1f} %" if name in entry["sets"] else "" for name in sets]
        return f"| {words['default']} | {' | '.join(cells)} | | 1 |"
    mean = entry.get("mean")
    cells = [_cell(entry["sets"].get(name), words) for name in sets]
    return f"| {entry['told']} | {' | '.join(cells)} | {_cell(mean, words)} | {_times(mean)} |"


def _cell(figures: Mapping[str, Any] | None, words: Mapping[str, str]) -> str:
    if figures is None:
        return ""
    if figures.get("diverged"):
        return words["diverged"]
    text = f"{figures['difference']:+.1f}<br>({words['span'].format(**figures)})"
    return f"**{text}**" if figures["low"] > 0 or figures["high"] < 0 else text


def _times(mean: Mapping[str, Any] | None) -> str:
    return f"{mean['seconds']:.2f}" if mean else ""
