"""The model card: ``README.md`` of a bundle, as the Hugging Face hub reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tunesmith.bundle.data_statement import data_statement
from tunesmith.bundle.markdown import code, yaml
from tunesmith.bundle.schema import CompressionFacts, Facts, MethodFacts
from tunesmith.data.joined import JOINED
from tunesmith.errors import counted, plural
from tunesmith.evaluate.figures import figure_of, style_of
from tunesmith.models.base import BASES
from tunesmith.models.poolings import fixed_poolings
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
    "cnn": "filters over windows of words, trained from scratch",
    "rnn": "plain recurrent cells, trained from scratch",
    "gru": "recurrent cells with two gates, trained from scratch",
    "lstm": "recurrent cells with a memory behind gates, trained from scratch",
    "transformer": "a small Transformer encoder, trained from scratch",
    "static": "averaged token vectors under a linear head",
    "probe": "the base encoder as it was, under a linear head solved on its features",
    "selftrain": "the base encoder as it was, under a linear head that texts without labels have taught as well",
    "contrast": "the base encoder tuned by pairs of rows, alike in their label or not, under a linear head solved anew",
    "finetune": "the base encoder fine-tuned from a solved linear head",
    "refine": "the base encoder fine-tuned twice; the average of both, or the second where it alone is better",
}

_VALIDATION = "validation rows"
BEFORE_COMPRESSION = ", of the model before it was compressed"
"""Follows the rows that a compressed model's figures were measured on."""

_HUB_METRICS = (
    ("accuracy", "accuracy"),
    ("macro_f1", "f1"),
    ("micro_f1", "f1"),
    ("spearman", "spearmanr"),
    ("pearson", "pearsonr"),
    ("mae", "mae"),
)
"""Name in METRICS, and what the hub calls it."""
_PAIRED = {
    "Gives a text ": "Gives a pair of texts ",
    "Tells whether a text ": "Tells whether a pair of texts ",
    "Every text ": "Every pair ",
}
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
    before = BEFORE_COMPRESSION if facts.compression is not None else ""
    if facts.test_metrics is not None:
        rows = facts.data.test
        where = f"{rows:,} test {plural(rows, 'row')}{before}"
        return Measured(metrics, rows, where, "not used to choose", is_test=True)
    rows = facts.data.validation
    if facts.measured_on.startswith(_VALIDATION):
        where = f"{rows:,} validation {plural(rows, 'row')}{facts.measured_on.removeprefix(_VALIDATION)}{before}"
        return Measured(metrics, rows, where, "used to choose", is_test=False)
    rows += facts.data.train
    chose = plural(facts.data.validation, "row among them was", "rows among them were")
    choice = f"the {facts.data.validation:,} validation {chose} used to choose"
    return Measured(metrics, rows, f"{facts.measured_on}{before}", choice, is_test=False)


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
        f"# {code(facts.data.source)}: {_title(facts)}",
        _what_it_is(facts),
        _how_good(facts),
        *([] if facts.compression is None else [_compression(facts, facts.compression)]),
        _how_made(facts, costs),
        data_statement(facts),
        _limits(facts),
        _how_to_use(facts),
        _licence(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _title(facts: Facts) -> str:
    answers = f"{len(facts.labels)} {facts.noun}s" if facts.labels else "a number"
    return f"{answers} for pairs of texts" if facts.reads_pairs else answers


def _header(facts: Facts) -> str:
    found = measured(facts)
    licence = _licence_name(facts)
    known = licence.lower() in _LICENCES
    lines = ["---", f"license: {yaml(licence.lower() if known else 'other')}"]
    if not known:
        lines.append(f"license_name: {yaml(licence)}")
    if facts.base is not None:
        lines.append(f"base_model: {yaml(_HUB_NAMES.get(facts.base.name, facts.base.name))}")
    lines += ["library_name: tunesmith", "pipeline_tag: text-classification", "tags:"]
    lines += [f"- {yaml(tag)}" for tag in ("tunesmith", "text-classification", facts.rung)]
    told = [(name, kind) for name, kind in _HUB_METRICS if name in facts.learnt.figures]
    figures = [(name, kind, found.metrics[name]) for name, kind in told if _has_interval(found.metrics, name)]
    lines += ["metrics:", *(f"- {kind}" for kind in dict.fromkeys(kind for _, kind, _ in figures))] if figures else []
    lines += [
        "model-index:",
        f"- name: {yaml(PurePath(facts.data.source).stem or facts.data.source)}",
        "  results:",
        "  - task:",
        "      type: text-classification",
        "      name: Text classification",
        "    dataset:",
        f"      name: {yaml(facts.data.source)}",
        "      type: custom",
        f"      split: {'test' if found.is_test else 'validation'}",
        "    metrics:",
    ]
    where = found.where.partition(", each")[0]
    for name, kind, figure in figures:
        lines.append(f"    - type: {kind}")
        lines.append(f"      value: {_decimal(figure['value'])}")
        between = f"{_decimal(figure['low'])} to {_decimal(figure['high'])}"
        lines.append(f"      name: {yaml(f'{name}, 95 % interval {between}, on {where}')}")
    return "\n".join([*lines, "---"])


def _what_it_is(facts: Facts) -> str:
    rung = _RUNGS.get(facts.rung, f"of the rung {code(facts.rung)}")
    maker = f"tunesmith {facts.versions['tunesmith']}" if "tunesmith" in facts.versions else "tunesmith"
    does = _of_pairs(facts.learnt.does(facts.coding), facts)
    return f"{does} The model is {rung}; {maker} made it.\n\n{_answers(facts)}"


def _of_pairs(sentence: str, facts: Facts) -> str:
    """Say of pairs what a task says of texts; the words stand at the start, before any label."""
    for one, both in _PAIRED.items() if facts.reads_pairs else ():
        if sentence.startswith(one):
            return both + sentence.removeprefix(one)
    return sentence


def _answers(facts: Facts) -> str:
    """List the labels, or tell the numbers that were learnt from."""
    if facts.scale is not None:
        return f"The numbers it learnt from: mean {facts.scale.mean:.4g}, standard deviation {facts.scale.spread:.4g}."
    shown = ", ".join(code(label) for label in facts.labels[:_N_LABELS])
    more = len(facts.labels) - _N_LABELS
    return f"{facts.noun.capitalize()}s: {shown}{f' and {more} more, all in `tunesmith.json`' if more > 0 else ''}."


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
        lines += ["", f"Weakest labels by F1: {worst}. {_where_labels(facts)}"]
    return "\n".join(lines)


def _compression(facts: Facts, compression: CompressionFacts) -> str:
    """Say how it was made smaller, and what that lost."""
    name = facts.learnt.objectives[0]
    loss, same = Interval(**compression.figures["loss"][name]), compression.figures["agreement"]
    lines = [
        "## What compression changed",
        "",
        f"Made smaller by {code(compression.to)} from the model whose manifest has the SHA-256 "
        f"`{compression.parent}`. On {counted(compression.rows, 'row')} of {code(compression.source)} it loses "
        f"{loss.value:.2f} points of {style_of(name).words} ({loss.low:.2f} to {loss.high:.2f}, 95 %; below 0 it "
        f"gains); {compression.max_loss:g} were allowed.",
    ]
    if same is not None:
        share = Interval(**same)
        between = f"{100 * share.low:.1f} to {100 * share.high:.1f}"
        lines.append(f"{100 * share.value:.1f} % of the rows are answered alike ({between}).")
    return "\n".join([*lines, "Its temperature is such that it is as sure as it was. Costs are in `report.html`."])


def _where_labels(facts: Facts) -> str:
    """Say where all labels are told; the report of a compressed model tells of its compression."""
    if facts.compression is not None:
        return "All labels, with intervals, are in `tunesmith.json`."
    return "All labels, with intervals, are in `report.html`."


def _worst(metrics: Mapping[str, JSON]) -> str:
    """Name the labels with the lowest F1; without figures, which would need their intervals."""
    scored = [(_point(row["f1"]), label) for label, row in metrics.get("per_class", {}).items() if row["rows"]]
    return ", ".join(code(label) for value, label in sorted(scored)[:_N_WORST] if value < 1.0)


def _beside(method: MethodFacts) -> str:
    """Say that the folder holds what was learnt alone, and how."""
    options = ", ".join(f"{name} {value}" for name, value in method.options.items())
    how = f"{code(method.name)} ({options})" if options else code(method.name)
    return (
        f"Trained by the method {how}: the base encoder stayed as it was. This folder holds what was learnt; the "
        f"weights of the base lie in `{BASES}` beside it, once for all models of that base. Copy both together."
    )


def _how_made(facts: Facts, costs: Mapping[str, Any]) -> str:
    lines = ["## How it was made", ""]
    if facts.base is not None:
        lines.append(f"Base encoder: {code(facts.base.name)}, weights with SHA-256 `{facts.base.sha256}`.")
    if facts.method is not None:
        lines += [_beside(facts.method), ""]
    if facts.tokens is not None:
        lines.append(
            f"A text becomes windows of up to {facts.tokens.max_seq_length} tokens, so that none is cut off; "
            f"{code(facts.tokens.pooling)} pooling"
            f"{', scaled to length 1' if facts.tokens.unit_length else ''}, averaged over the windows."
        )
    pairing = None if facts.tokens is None else facts.tokens.pairing
    if pairing == JOINED:
        lines.append("Both texts of a pair are read in one sequence.")
    elif pairing is not None:
        lines.append(f"Each text of a pair is read by itself; {code(pairing)} features are made of both.")
    if facts.labels:
        lines.append(f"Logits are divided by the temperature {facts.temperature:.3f} before they become probabilities.")
    if facts.thresholds is not None:
        lines.append(_thresholds(facts.labels, facts.thresholds))
    if costs.get("rungs"):
        lines += ["", *_rungs(costs["rungs"], facts.headline)]
    machine = costs.get("machine", {})
    if machine.get("cpu"):
        threads = f", {counted(machine['threads'], 'thread')}" if machine.get("threads") else ""
        seconds = f" in {costs['seconds']:.0f} s" if costs.get("seconds") else ""
        lines += ["", f"Trained{seconds} on {code(str(machine['cpu']))}{threads}."]
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    lines += ["", f"Versions: {versions}. The recipe as resolved is in `tunesmith.json`."]
    return "\n".join(lines)


def _thresholds(labels: Sequence[str], thresholds: Sequence[float]) -> str:
    """Say from which probability on labels are answered."""
    if len(set(thresholds)) == 1:
        which = code(labels[-1]) if len(thresholds) == 1 else "Each label"
        return f"{which} is answered from the probability {thresholds[0]:.3f} on."
    return (
        f"Each label is answered from a probability of its own on, between {min(thresholds):.3f} and "
        f"{max(thresholds):.3f}; they are in `tunesmith.json`."
    )


def _rungs(rungs: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    style = style_of(name)
    lines = [
        f"| rung | seconds | peak MiB | {style.words} on validation rows | 95 % interval | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for rung in rungs:
        score = Interval(**rung["validation"][name])
        lines.append(
            f"| {code(rung['name'])} | {rung['seconds']:.1f} | {rung['peak_mib']:.0f} | {style.told(score.value)} "
            f"| {style.span(score)} | {'kept' if rung['kept'] else ''} |"
        )
    return lines


def _limits(facts: Facts) -> str:
    worse = "accuracy and probabilities may be worse" if facts.labels else "its numbers may be further off"
    lines = [
        "## Limits",
        "",
        f"- {_of_pairs(facts.learnt.caveat(facts.coding), facts)}",
        f"- The figures hold for texts like those of the file; on others {worse}.",
        "- Errors and slants of the labels and of the base model are learnt along.",
        "- Not meant to decide about people without a person who checks.",
    ]
    if not measured(facts).is_test:
        lines.append("- No rows were put aside to test on; the figures above are those of the choice.")
    return "\n".join(lines)


def _how_to_use(facts: Facts) -> str:
    pair, asked = (' --pair "..."', '("...", "...")') if facts.reads_pairs else ("", '"..."')
    lines = [
        "## How to use it",
        "",
        "`MODEL` is this folder.",
        "",
        "```sh",
        f'tunesmith predict MODEL --text "..."{pair}',
        "tunesmith evaluate MODEL FILE.csv",
        "```",
        "",
        "```python",
        "import tunesmith",
        "",
        f'tunesmith.load("MODEL").predict([{asked}])',
        "```",
    ]
    if _is_sentence_transformer(facts):
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


def _is_sentence_transformer(facts: Facts) -> bool:
    """Tell whether sentence-transformers can read the folder, pooling included."""
    tokens = facts.tokens
    if facts.kind != "encoder" or tokens is None:
        return False
    return tokens.pairing != JOINED and tokens.pooling in fixed_poolings()


def _licence(facts: Facts) -> str:
    if facts.base is None:
        told = "The weights come from the data alone; whoever owns the data says under which licence they may be used."
    else:
        told = (
            f"The base weights {code(facts.base.name)} are under {code(_licence_name(facts))}, as their source says. "
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
