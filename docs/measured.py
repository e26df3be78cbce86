"""Tables of figures that were measured, from the results beside the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "train_time" / "results"

_DATA_SETS = {
    "clinc150": {"en": "clinc150, 150 intents", "zh": "clinc150，150 种意图"},
    "banking77": {"en": "banking77, 77 intents", "zh": "banking77，77 种意图"},
    "sst2_glue": {"en": "sst2_glue, sentiment of film reviews", "zh": "sst2_glue，影评情感"},
    "financial_phrasebank": {
        "en": "financial_phrasebank, sentiment of news",
        "zh": "financial_phrasebank，财经新闻情感",
    },
}
_HEADER = {
    "en": "| | `--rungs linear` | `--rungs probe` | the climb | kept |",
    "zh": "| | `--rungs linear` | `--rungs probe` | 逐级训练 | 保留的级别 |",
}
_MACHINE = {
    "en": "Test accuracy, 95 % interval and seconds to the model on disk; {cpu}, {cores} cores, no GPU, {date}.",
    "zh": "测试准确率、95 % 置信区间，以及模型写入磁盘所用的秒数；{cpu}，{cores} 核，无 GPU，{date}。",
}


def data_sets_table(language: str) -> str:
    """Lay out what each step brought on the data sets of the benchmark.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown table and the machine; of several budgets the longest, so that none is picked by its result.
    """
    lines = [_HEADER[language], "|---|---:|---:|---:|---|"]
    results = {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in _DATA_SETS}
    for name, result in results.items():
        ours = [point for point in result["points"] if point["peer"] == "tunesmith"]
        climbs = [point for point in ours if "--rungs" not in point["name"]]
        last = max(climbs, key=lambda point: float(point["seconds"]))
        cells = [_cell(_named(ours, "--rungs linear")), _cell(_named(ours, "--rungs probe")), _cell(last)]
        lines.append(f"| {_DATA_SETS[name][language]} | {' | '.join(cells)} | `{last['kept']}` |")
    result = next(iter(results.values()))
    machine = _MACHINE[language].format(**result["machine"], date=result["date"])
    return "\n".join([*lines, "", machine])


def _named(points: list[dict[str, Any]], flags: str) -> dict[str, Any]:
    return next(point for point in points if point["name"].endswith(flags))


def _cell(point: dict[str, Any]) -> str:
    low, high = (100 * end for end in point["accuracy_interval"])
    return f"**{100 * point['accuracy']:.1f} %** ({low:.1f}\u2060–\u2060{high:.1f})<br>{point['seconds']:.0f} s"
