"""Which method to take, from the results of the benchmark of methods, and no more than follows from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docs import methods_table

NEAR = 0.7
"""Points of accuracy below full training that are still near it."""

_FULL = "full"
_COSTS = ("memory", "seconds")
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "better": "**Better than `full`**, zero excluded: {}.",
        "best": "**Most accurate**: no method is proven better than `full` on any of these data sets, so `full` is "
        "what `finetune` takes by itself.",
        "memory": "**Where memory is short**: `{name}` stays within {near} points of `full` on every data set measured "
        "(at worst {worst:+.1f}) with {memory:.0f} % of the memory above the loaded model.",
        "seconds": "**Where time is short**: `{name}` stays as near (at worst {worst:+.1f}) in {seconds:.0f} % of the "
        "time of a fit; fewer passes save more.",
        "none": "**Where memory or time is short**: no method stays within {near} points of `full` on every data set.",
        "worse": "**Worse than `full`**, zero excluded: {}.",
        "on": "`{name}` on {sets}",
        "and": ", ",
    },
    "zh": {
        "better": "**优于 `full`**（区间不含零）：{}。",
        "best": "**最准确**：在这些数据集上，没有一种方法被证明优于 `full`，因此 `finetune` 默认用 `full`。",
        "memory": "**内存紧张时**：`{name}` 在每个测过的数据集上都与 `full` 相差不到 {near} 个百分点"
        "（最差 {worst:+.1f}），装入模型之外的内存为它的 {memory:.0f} %。",
        "seconds": "**时间紧张时**：`{name}` 同样接近（最差 {worst:+.1f}），训练用时为它的 {seconds:.0f} %；"
        "减少遍数省得更多。",
        "none": "**内存或时间紧张时**：没有一种方法在每个数据集上都与 `full` 相差不到 {near} 个百分点。",
        "worse": "**不如 `full`**（区间不含零）：{}。",
        "on": "`{name}`（{sets}）",
        "and": "、",
    },
}


def methods_advice(language: str) -> str:
    """Say which method to take.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown list; nothing where nothing was measured beside full training.
    """
    if not methods_table.TABLE.is_file():
        return ""
    entries = json.loads(methods_table.TABLE.read_text("utf-8"))["methods"]
    full, others = entries[0]["sets"], entries[1:]
    if not others:
        return ""
    words = _WORDS[language]
    better = _proven(others, lambda figures: figures["low"] > 0, words)
    lines = [words["better"].format(better) if better else words["best"]]
    near = [entry for entry in others if entry["sets"].keys() == full.keys() and _worst(entry) >= -NEAR]
    for cost in _COSTS if near else ():
        entry = min(near, key=lambda entry: _mean(entry, cost))
        values = {name: 100 * _mean(entry, name) for name in _COSTS}
        lines.append(words[cost].format(name=entry["name"], near=NEAR, worst=_worst(entry), **values))
    if not near:
        lines.append(words["none"].format(near=NEAR))
    worse = _proven(others, lambda figures: figures["high"] < 0, words)
    lines += [words["worse"].format(worse)] if worse else []
    return "\n".join(f"* {line}" for line in lines)


def _proven(
    entries: Sequence[Mapping[str, Any]], holds: Callable[[Mapping[str, float]], bool], words: Mapping[str, str]
) -> str:
    """List methods with the data sets on which something holds."""
    found = {entry["name"]: [name for name, figures in entry["sets"].items() if holds(figures)] for entry in entries}
    told = [words["on"].format(name=name, sets=words["and"].join(sets)) for name, sets in found.items() if sets]
    return words["and"].join(told)


def _worst(entry: Mapping[str, Any]) -> float:
    return min(float(figures["difference"]) for figures in entry["sets"].values())


def _mean(entry: Mapping[str, Any], cost: str) -> float:
    return sum(float(figures[cost]) for figures in entry["sets"].values()) / len(entry["sets"])
