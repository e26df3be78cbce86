"""The model card: ``README.md`` of a bundle, as the Hugging Face hub reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tunesmith.bundle.schema import Facts
from tunesmith.errors import counted, plural
from tunesmith.evaluate.figures import figure_of, style_of
from tunesmith.types import JSON, Interval

_LICENCES = frozenset(
    "afl-3.0 apache-2.0 bigscience-openrail-m bsd bsd-2-clause bsd-3-clause cc cc-by-3.0 cc-by-4.0 cc-by-nc-3.0 "
    "cc-by-nc-4.0 cc-by-nc-nd-4.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 gemma gpl gpl-2.0 "
    "gpl-3.0 lgpl lgpl-3.0 llama3 mit mpl-2.0 openrail other unknown unlicense".split()
)
"""Names the hub knows; any other is told as ``license_name`` of ``other``."""

_HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}

_RUNGS = {
    "linear": "TF-IDF counts of words and characters under a linear model",
    "static": "averaged token vectors under a linear head",
    "probe": "the base encoder as it was, under a linear head solved on its features",
    "finetune": "the base encoder fine-tuned from a solved linear head",
    "refine": "the base encoder fine-tuned twice; the average of both, or the second where it alone is better",
}

_HUB_METRICS = (
    ("accuracy", "accuracy"),
    ("macro_f1", "f1"),
    ("micro_f1", "f1"),
    ("spearman", "spearmanr"),
    ("pearson", "pearsonr"),
    ("mae", "mae"),
)
"""Name in METRICS, and what the hub calls it."""
_LONGEST = 80
_N_LABELS = 50
_N_WORST = 5


@dataclass(frozen=True)
class Measured:
    """The figures a bundle is to be judged by, and the rows they come from."""

    metrics: dict[str, JSON]
    """METRICS of the machine output."""
    rows: int
    where: str
    """The rows in words, their number included."""
    choice: str
    """Whether those rows were used to choose, in words."""
    is_test: bool


def measured(facts: Facts) -> Measured:
    """Find the figures that say most: those on test rows where there are any.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Figures and rows.
    """
    metrics = facts.metrics if facts.test_metrics is None else facts.test_metrics
    if facts.test_metrics is not None:
        rows = facts.data.test
        return Measured(metrics, rows, f"{rows:,} test {plural(rows, 'row')}", "not used to choose", is_test=True)
    rows = facts.data.validation
    if facts.measured_on == "validation rows":
        return Measured(metrics, rows, f"{rows:,} validation {plural(rows, 'row')}", "used to choose", is_test=False)
    rows += facts.data.train
    chose = plural(facts.data.validation, "row among them was", "rows among them were")
    choice = f"the {facts.data.validation:,} validation {chose} used to choose"
    return Measured(metrics, rows, facts.measured_on, choice, is_test=False)


@dataclass(frozen=True)
class Origin:
    """Which files the rows of a bundle came from."""

    rows: int
    """Rows of the training file."""
    validation: str | None
    """Name of the file of the rows that chose; None where they are the training file's."""
    test: str | None
    """The same of the test rows."""


def origin(facts: Facts) -> Origin:
    """Tell the rows of the training file from those of files beside it.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Counts and names, no folders.
    """
    data, asked = facts.data, facts.recipe.get("data", {})
    validation, test = (PurePath(asked[name]).name if asked.get(name) else None for name in ("validation", "test"))
    beside = (data.validation if validation else 0) + (data.test if test else 0)
    return Origin(data.rows - beside, validation, test)


def data_line(facts: Facts) -> str:
    """Tell in a line which rows a model was fitted on, chosen by and tested on.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Counts, the training file's name, and those of files that gave other rows.
    """
    data, found = facts.data, origin(facts)
    parts = [
        f"{n_rows:,} {part} {plural(n_rows, 'row')}" + (f" from {file}" if file else "")
        for part, n_rows, file in (
            ("train", data.train, None),
            ("validation", data.validation, found.validation),
            ("test", data.test, found.test),
        )
    ]
    return f"{data.source}: {', '.join(parts)}"


def card(facts: Facts, costs: Mapping[str, Any]) -> str:
    """Write the model card.

    Args:
        facts: What the bundle says of itself.
        costs: Content of ``costs.json``.

    Returns:
        Markdown with a YAML header; labels and file names in it can neither end a quote nor become markup.
    """
    parts = [
        _header(facts),
        f"# {_code(facts.data.source)}: {counted(len(facts.labels), 'label') if facts.labels else 'a number'}",
        _what_it_is(facts),
        _how_good(facts),
        _how_made(facts, costs),
        _data_statement(facts),
        _limits(facts),
        _how_to_use(facts),
        _licence(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _header(facts: Facts) -> str:
    found = measured(facts)
    licence = _licence_name(facts)
    known = licence.lower() in _LICENCES
    lines = ["---", f"license: {_yaml(licence.lower() if known else 'other')}"]
    if not known:
        lines.append(f"license_name: {_yaml(licence)}")
    if facts.base is not None:
        lines.append(f"base_model: {_yaml(_HUB_NAMES.get(facts.base.name, facts.base.name))}")
    lines += ["library_name: tunesmith", "pipeline_tag: text-classification", "tags:"]
    lines += [f"- {_yaml(tag)}" for tag in ("tunesmith", "text-classification", facts.rung)]
    told = [(name, kind) for name, kind in _HUB_METRICS if name in facts.learnt.figures]
    figures = [(name, kind, found.metrics[name]) for name, kind in told if _has_interval(found.metrics, name)]
    lines += ["metrics:", *(f"- {kind}" for kind in dict.fromkeys(kind for _, kind, _ in figures))] if figures else []
    lines += [
        "model-index:",
        f"- name: {_yaml(PurePath(facts.data.source).stem or facts.data.source)}",
        "  results:",
        "  - task:",
        "      type: text-classification",
        "      name: Text classification",
        "    dataset:",
        f"      name: {_yaml(facts.data.source)}",
        "      type: custom",
        f"      split: {'test' if found.is_test else 'validation'}",
        "    metrics:",
    ]
    for name, kind, figure in figures:
        lines.append(f"    - type: {kind}")
        lines.append(f"      value: {_decimal(figure['value'])}")
        between = f"{_decimal(figure['low'])} to {_decimal(figure['high'])}"
        lines.append(f"      name: {_yaml(f'{name}, 95 % interval {between}, on {found.where}')}")
    return "\n".join([*lines, "---"])


def _what_it_is(facts: Facts) -> str:
    rung = _RUNGS.get(facts.rung, f"of the rung {_code(facts.rung)}")
    maker = f"tunesmith {facts.versions['tunesmith']}" if "tunesmith" in facts.versions else "tunesmith"
    return f"{facts.learnt.does(facts.coding)} The model is {rung}; {maker} made it.\n\n{_answers(facts)}"


def _answers(facts: Facts) -> str:
    """List the labels, or tell the numbers that were learnt from."""
    if facts.scale is not None:
        return f"The numbers it learnt from: mean {facts.scale.mean:.4g}, standard deviation {facts.scale.spread:.4g}."
    shown = ", ".join(_code(label) for label in facts.labels[:_N_LABELS])
    more = len(facts.labels) - _N_LABELS
    return f"Labels: {shown}{f' and {more} more, all in `tunesmith.json`' if more > 0 else ''}."


def _how_good(facts: Facts) -> str:
    found = measured(facts)
    lines = [
        "## How good it is",
        "",
        f"Measured on {found.where} ({found.choice}); the intervals hold 95 %, by bootstrap over rows.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---:|---:|",
    ]
    for name in facts.learnt.figures:
        figure, style = figure_of(found.metrics, name), style_of(name)
        if figure is not None:
            lines.append(f"| {style.words} | {style.told(figure.value)} | {style.span(figure)} |")
    if not found.is_test:
        lines += ["", "Rows that helped to choose a model flatter it a little: measure on rows of your own before use."]
    worst = _worst(found.metrics)
    if worst:
        lines += ["", f"Weakest labels by F1: {worst}. All labels, with intervals, are in `report.html`."]
    return "\n".join(lines)


def _worst(metrics: Mapping[str, JSON]) -> str:
    """Name the labels with the lowest F1; without figures, which would need their intervals."""
    scored = [(_point(row["f1"]), label) for label, row in metrics.get("per_class", {}).items() if row["rows"]]
    return ", ".join(_code(label) for value, label in sorted(scored)[:_N_WORST] if value < 1.0)


def _how_made(facts: Facts, costs: Mapping[str, Any]) -> str:
    lines = ["## How it was made", ""]
    if facts.base is not None:
        lines.append(f"Base encoder: {_code(facts.base.name)}, weights with SHA-256 `{facts.base.sha256}`.")
    if facts.tokens is not None:
        lines.append(
            f"A text becomes windows of up to {facts.tokens.max_seq_length} tokens, so that none is cut off; "
            f"{_code(facts.tokens.pooling)} pooling"
            f"{', scaled to length 1' if facts.tokens.unit_length else ''}, averaged over the windows."
        )
    if facts.labels:
        lines.append(f"Logits are divided by the temperature {facts.temperature:.3f} before they become probabilities.")
    if costs.get("rungs"):
        lines += ["", *_rungs(costs["rungs"], facts.headline)]
    machine = costs.get("machine", {})
    if machine.get("cpu"):
        threads = f", {counted(machine['threads'], 'thread')}" if machine.get("threads") else ""
        seconds = f" in {costs['seconds']:.0f} s" if costs.get("seconds") else ""
        lines += ["", f"Trained{seconds} on {_code(str(machine['cpu']))}{threads}."]
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    lines += ["", f"Versions: {versions}. The recipe as resolved is in `tunesmith.json`."]
    return "\n".join(lines)


def _rungs(rungs: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    style = style_of(name)
    lines = [
        f"| rung | seconds | peak MiB | {style.words} on validation rows | 95 % interval | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for rung in rungs:
        score = Interval(**rung["validation"][name])
        lines.append(
            f"| {_code(rung['name'])} | {rung['seconds']:.1f} | {rung['peak_mib']:.0f} | {style.told(score.value)} "
            f"| {style.span(score)} | {'kept' if rung['kept'] else ''} |"
        )
    return lines


def _data_statement(facts: Facts) -> str:
    data, found = facts.data, origin(facts)
    choose = f"{data.validation:,}{_more(found.validation)} to choose"
    test = f" and {data.test:,}{_more(found.test)} to test" if data.test else ""
    return "\n".join(
        [
            "## Data",
            "",
            f"The file {_code(data.source)}: {found.rows:,} {plural(found.rows, 'row')}, text in column "
            f"{_code(data.text)}, label in column "
            f"{_code(data.label)}; {data.train:,} {plural(data.train, 'row')} to fit, {choose}{test}. "
            "Where tunesmith split the rows of the file, duplicates of one text were kept on one side.",
            f"Texts and labels together have the SHA-256 `{data.sha256}`.",
            "",
            "tunesmith knows the file and no more. Whoever publishes this model should say here where the texts come "
            "from, in which language, who labelled them and how, whether they hold personal data, and under which "
            "licence they may be used.",
        ]
    )


def _more(file: str | None) -> str:
    return f" more, from {_code(file)}," if file else ""


def _limits(facts: Facts) -> str:
    lines = [
        "## Limits",
        "",
        f"- {facts.learnt.caveat(facts.coding)}",
        "- The figures hold for texts like those of the file; on others, accuracy and probabilities may be worse.",
        "- Errors and slants of the labels and of the base model are learnt along.",
        "- Not meant to decide about people without a person who checks.",
    ]
    if not measured(facts).is_test:
        lines.append("- No rows were put aside to test on; the figures above are those of the choice.")
    return "\n".join(lines)


def _how_to_use(facts: Facts) -> str:
    lines = [
        "## How to use it",
        "",
        "`MODEL` is this folder.",
        "",
        "```sh",
        'tunesmith predict MODEL --text "..."',
        "tunesmith evaluate MODEL FILE.csv",
        "```",
        "",
        "```python",
        "import tunesmith",
        "",
        'tunesmith.load("MODEL").predict(["..."])',
        "```",
    ]
    if facts.kind == "encoder":
        lines += [
            "",
            "The folder is also a sentence-transformers model, without the head: for search and clustering.",
            "",
            "```python",
            "from sentence_transformers import SentenceTransformer",
            "",
            'SentenceTransformer("MODEL").encode(["..."])',
            "```",
        ]
    return "\n".join(lines)


def _licence(facts: Facts) -> str:
    if facts.base is None:
        told = "The weights come from the data alone; whoever owns the data says under which licence they may be used."
    else:
        told = (
            f"The base weights {_code(facts.base.name)} are under {_code(_licence_name(facts))}, as their source says. "
            "The licence of the training data may restrict the use of this model further."
        )
    return f"## Licence\n\n{told}"


def _licence_name(facts: Facts) -> str:
    return (facts.base.licence.strip() if facts.base is not None else "") or "unknown"


def _has_interval(metrics: Mapping[str, JSON], name: str) -> bool:
    figure = metrics.get(name)
    return isinstance(figure, dict) and {"value", "low", "high"} <= figure.keys()


def _point(figure: JSON) -> float:
    return float(figure["value"] if isinstance(figure, dict) else figure)


def _decimal(value: float) -> str:
    return f"{value:.4f}"


def _plain(text: str) -> str:
    """A user's text on one line, shortened, what is not printable as escapes."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def _yaml(text: str) -> str:
    """A double-quoted YAML scalar: JSON strings are."""
    return json.dumps(_plain(text), ensure_ascii=False)


def _code(text: str) -> str:
    """A Markdown code span, in which nothing is markup; its fence is longer than any in the text."""
    plain = _plain(text)
    fence = "`" * (max(map(len, _runs_of_backticks(plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    return f"{fence}{space}{plain}{space}{fence}"


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()
