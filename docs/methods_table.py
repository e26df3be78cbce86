"""What each method of fine-tuning brought and cost, from the results of its benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "benchmarks" / "methods" / "results" / "table.json"

_FULL = "full"
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "none": "Not measured yet: `python -m benchmarks.methods.run` does it.",
        "header": "weights that learn | {sets} | seconds | memory",
        "span": "{low:+.1f} to {high:+.1f}",
        "machine": "Test accuracy of `full`, and points over it with a 95 % interval; seconds and memory above the "
        "loaded model in units of `full`; {seeds}; {cpu}, {cores}, {date}. Bold: the interval excludes zero.",
        "core": "one core",
        "cores": "{} cores",
        "seed": "one seed",
        "seeds": "{} seeds",
    },
    "zh": {
        "none": "尚未测量：运行 `python -m benchmarks.methods.run` 即可。",
        "header": "参与训练的权重 | {sets} | 用时 | 内存",
        "span": "{low:+.1f} 到 {high:+.1f}",
        "machine": "`full` 为测试准确率，其余为与它相差的百分点及 95 % 置信区间；用时和装入模型之外的内存"
        "以 `full` 为 1；{seeds}；{cpu}，{cores}，{date}。粗体：区间不含零。",
        "core": "单核",
        "cores": "{} 核",
        "seed": "一个种子",
        "seeds": "{} 个种子",
    },
}


def methods_table(language: str) -> str:
    """Lay out every method that was measured.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown table and the machine; a sentence where nothing was measured.
    """
    words = _WORDS[language]
    if not TABLE.is_file():
        return words["none"]
    table = json.loads(TABLE.read_text("utf-8"))
    sets = table["sets"]
    header = words["header"].format(sets=" | ".join(sets))
    lines = [f"| | {header} |", "|---|" + "---:|" * (len(sets) + 3)]
    lines += [_line(entry, sets, words) for entry in table["methods"]]
    counts = {figures["seeds"] for entry in table["methods"] for figures in entry["sets"].values()}
    named = "–".join(str(count) for count in sorted({min(counts), max(counts)}))
    seeds = words["seed"] if counts == {1} else words["seeds"].format(named)
    cores = words["core" if table["machine"]["cores"] == 1 else "cores"].format(table["machine"]["cores"])
    machine = {**table["machine"], "cores": cores}
    return "\n".join([*lines, "", words["machine"].format(**machine, date=table["date"], seeds=seeds)])


def _line(entry: Mapping[str, Any], sets: list[str], words: Mapping[str, str]) -> str:
    found = entry["sets"]
    share = f"{100 * entry['trained_weights'] / entry['layer_weights']:.1f} %"
    if entry["name"] == _FULL:
        cells = [f"{found[name]['accuracy']:.1f} %" if name in found else "" for name in sets]
    else:
        cells = [_cell(found.get(name), words) for name in sets]
    costs = [f"{sum(each[cost] for each in found.values()) / len(found):.2f}" for cost in ("seconds", "memory")]
    return f"| `{entry['name']}` | {share} | {' | '.join([*cells, *costs])} |"


def _cell(figures: Mapping[str, Any] | None, words: Mapping[str, str]) -> str:
    if figures is None:
        return ""
    text = f"{figures['difference']:+.1f}<br>({words['span'].format(**figures)})"
    return f"**{text}**" if figures["low"] > 0 or figures["high"] < 0 else text
