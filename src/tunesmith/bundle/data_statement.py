"""What a bundle's rows were: their files, labels and letters, and what nobody has told about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from statistics import median

from tunesmith.bundle.markdown import code, sentence
from tunesmith.bundle.schema import Facts
from tunesmith.errors import plural

WARNING = "warning: "
"""Begins a note that is more than a piece of news."""

_SELF_TRAINED = "selftrain"
_MOST_LABELS = 30


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


def label_counts(facts: Facts) -> list[tuple[str, int]]:
    """List how many rows have each label.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Levels in their order, other labels by their rows, most first; nothing where answers are numbers.
    """
    counts = [(label, facts.data.labels[label]) for label in facts.labels if label in facts.data.labels]
    return counts if facts.noun == "level" else sorted(counts, key=lambda each: -each[1])


def letters_line(facts: Facts) -> str:
    """Tell in which scripts the texts are written.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Shares of letters; empty where none were counted.
    """
    return ", ".join(f"{100.0 * share:.0f} % {name}" for name, share in facts.data.scripts.items())


def data_statement(facts: Facts) -> str:
    """Write the card's section on the data.

    Args:
        facts: What the bundle says of itself.

    Returns:
        Markdown.
    """
    data, found = facts.data, origin(facts)
    choose = f"{data.validation:,}{_more(found.validation)} to choose"
    test = f" and {data.test:,}{_more(found.test)} to test" if data.test else ""
    text = f"text in column {code(data.text)}"
    if data.pair is not None:
        text = f"texts in columns {code(data.text)} and {code(data.pair)}"
    lines = [
        "## Data",
        "",
        f"The file {code(data.source)}: {found.rows:,} {plural(found.rows, 'row')}, {text}, {facts.noun} in column "
        f"{code(data.label)}; {data.train:,} {plural(data.train, 'row')} to fit, {choose}{test}. "
        "Where tunesmith split the rows of the file, duplicates of one text were kept on one side.",
        f"Texts and {facts.noun}s together have the SHA-256 `{data.sha256}`.",
        *_without_labels(facts),
        *_distribution(facts),
    ]
    if data.scripts:
        lines += ["", f"The letters of the texts, by a sample: {letters_line(facts)}."]
    warnings = [note.removeprefix(WARNING) for note in data.notes if note.startswith(WARNING)]
    if warnings:
        lines += ["", "What was found wrong with the file:", "", *(f"- {sentence(warning)}" for warning in warnings)]
    return "\n".join(
        [
            *lines,
            "",
            "tunesmith knows the file and no more. It is not known where the texts come from, in which language they "
            f"are, who gave them their {facts.noun}s and how, whether they hold personal data, and under which licence "
            "they may be used. Whoever publishes this model should say so here.",
        ]
    )


def _without_labels(facts: Facts) -> list[str]:
    """Say which texts without labels there were, and whether they taught the model."""
    n_texts, file = facts.data.unlabelled, facts.recipe.get("data", {}).get("unlabelled")
    if not n_texts or not file:
        return []
    taught = "the surest answers to them, or to a part drawn from them, taught the model as well"
    use = taught if facts.rung == _SELF_TRAINED else "they did not teach this model"
    where = f"from {code(PurePath(str(file)).name)}, none of them among the rows"
    return [f"{n_texts:,} further {plural(n_texts, 'text')} without labels {where}; {use}."]


def _distribution(facts: Facts) -> Iterator[str]:
    """How many rows have each label, or where the numbers lie."""
    if facts.data.numbers is not None:
        low, quarter, half, three_quarters, high = (f"{number:g}" for number in facts.data.numbers)
        yield ""
        yield (
            f"The numbers lie between {low} and {high}: a quarter of them up to {quarter}, half up to {half}, three "
            f"quarters up to {three_quarters}."
        )
    counts = label_counts(facts)
    if not counts:
        return
    total = sum(count for _, count in counts)
    yield ""
    if len(counts) <= _MOST_LABELS:
        yield from (f"| {facts.noun} | rows | share of rows |", "|---|---:|---:|")
        yield from (
            f"| {_cell(label)} | {count:,} | {100.0 * count / facts.data.rows:.1f} % |" for label, count in counts
        )
    else:
        (most, n_most), (least, n_least) = max(counts, key=lambda each: each[1]), min(counts, key=lambda each: each[1])
        middle = median(count for _, count in counts)
        yield (
            f"Of the {len(counts)} {facts.noun}s, {code(most)} has the most rows, {n_most:,}, and {code(least)} the "
            f"fewest, {n_least:,}; the one in the middle has {middle:,.0f}. All are in `tunesmith.json`."
        )
    if facts.task == "multi_label":
        yield from ("", f"A row has {total / max(facts.data.rows, 1):.1f} labels in the mean.")


def _cell(label: str) -> str:
    """A label in a table, whose cells end at a bar even within code."""
    return code(label).replace("|", "\\|")


def _more(file: str | None) -> str:
    return f" more, from {code(file)}," if file else ""
