"""Which columns hold the texts and which the labels: asked for, or found by name, or found by content; always told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.config import nearest
from tunesmith.data.names import LABEL_NAMES, OURS, PAIR_NAMES, TEXT_NAMES, plain_name
from tunesmith.data.split_column import find_split_column
from tunesmith.data.table import Table
from tunesmith.errors import DataError, plural, quote

_SAMPLE_ROWS = 2000
_SHOWN_COLUMNS = 12
_SAMPLE_WIDTH = 80
_NUMBERING = re.compile(r"(?i:.*[\s_-])?(?i:id|no|nr|index)|.+(ID|Id)")  # names of columns that number the rows


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to use and, for each choice, a sentence that says why."""

    text: tuple[str, ...]
    label: str | None
    reasons: tuple[str, ...]
    split: str | None = None
    """Column that says which rows are for training, choosing and testing; never one that is asked for as another."""
    group: str | None = None
    """Column whose equal cells keep rows together when rows are held out."""
    pair: str | None = None
    """Column of the second text, where rows are pairs."""
    time: str | None = None
    """Column that says when a row was made, so that later rows are held out."""


def choose_columns(
    table: Table,
    *,
    text: str | Sequence[str] | None = None,
    label: str | None = None,
    group: str | None = None,
    pair: str | None = None,
    time: str | None = None,
    need_label: bool = True,
) -> Columns:
    """Choose the text and label columns.

    Args:
        table: The user's table.
        text: Columns that are asked for, several as a sequence or with commas between; case and spaces do not matter.
        label: The column that is asked for.
        group: The column that is asked for to keep rows together.
        pair: The column that is asked for as the second text of a pair.
        time: The column that is asked for to hold later rows out by.
        need_label: Look for a label column where none is asked for.

    Returns:
        The names as the table has them; no label where none is asked for or needed.

    Raises:
        DataError: ``no-such-column``; ``columns-unclear`` where a column is not asked for and not plain to see.

    Example:
        >>> from tunesmith.data.places import Places
        >>> cells = {"Text": ["Where is my card?", "Too slow"], "queue": ["cards", "app"]}
        >>> table = Table(cells, Places.of("a.csv", [2, 3]))
        >>> choose_columns(table).reasons
        ('text: column "Text", by its name', 'label: column "queue", by its name')
    """
    reasons: list[str] = []
    asked = [find_column(table, name, "--text") for name in _listed(table, text)]
    asked_pair = find_column(table, pair, "--pair") if pair is not None else None
    if not asked and asked_pair is None:
        asked, asked_pair = _found_pair(table)
        if asked_pair:
            reasons.append(f"pairs: columns {quote(asked[0])} and {quote(asked_pair)}, by their names")
    elif asked_pair is not None:
        reasons.append(f"pairs: the second text is in column {quote(asked_pair)}, as asked")
    if asked_pair is not None and asked_pair in asked:
        raise _twice(table, asked_pair, "both texts of a pair", flags="--text and --pair")
    asked_label = find_column(table, label, "--label") if label is not None else None
    if asked_label is not None and asked_label in (*asked, asked_pair):
        raise _twice(table, asked_label, "both text and label", flags="--text and --label")
    asked_group = find_column(table, group, "--group") if group is not None else None
    asked_time = find_column(table, time, "--time") if time is not None else None
    free = [name for name in table.columns if name not in (*asked, asked_pair, asked_label, asked_group, asked_time)]
    split = next((name for name in [find_split_column(table)] if name in free), None)
    free = [name for name in free if name != split and not name.startswith(OURS)]
    if asked:
        reasons += [] if reasons and reasons[0].endswith("by their names") else [f"text: {_columns(asked)}, as asked"]
    else:
        found, why = _found_text(table, free, need_label=need_label and label is None)
        asked, free = [found], [name for name in free if name != found]
        reasons.append(f"text: column {quote(found)}, {why}")
    if asked_label is not None:
        reasons.append(f"label: column {quote(asked_label)}, as asked")
    elif need_label:
        asked_label, why = _found_label(table, free, asked)
        reasons.append(f"label: column {quote(asked_label)}, {why}")
    if asked_group is not None:
        reasons.append(f"rows with the same {quote(asked_group)} stay together, as asked")
    return Columns(tuple(dict.fromkeys(asked)), asked_label, tuple(reasons), split, asked_group, asked_pair, asked_time)


def _found_pair(table: Table) -> tuple[list[str], str | None]:
    """The two text columns of a file of pairs, by their names."""
    for names in PAIR_NAMES:
        found = [_matching(table, name) for name in names]
        if all(len(each) == 1 for each in found):
            return found[0], found[1][0]
    return [], None


def _twice(table: Table, name: str, as_what: str, *, flags: str) -> DataError:
    """Make the error for a column that is asked for in two ways."""
    return DataError(
        "columns-unclear",
        f"the column {quote(name)} cannot be {as_what}",
        where=table.source,
        advice=f"name different columns with {flags}",
    )


def _columns(names: list[str]) -> str:
    return f"{plural(len(names), 'column')} {', '.join(map(quote, names))}"


def _listed(table: Table, text: str | Sequence[str] | None) -> list[str]:
    """Names asked for; commas separate them unless a column has the whole name."""
    if text is None:
        return []
    if not isinstance(text, str) and len(text) == 1:
        (text,) = text
    if isinstance(text, str):
        return [text] if _matching(table, text) else [part for part in text.split(",") if part.strip()]
    return list(text)


def _matching(table: Table, name: str) -> list[str]:
    """Columns a name can mean: the very one, or those that differ in case and spaces."""
    if name in table.columns:
        return [name]
    return [column for column in table.columns if plain_name(column) == plain_name(name)]


def find_column(table: Table, name: str, flag: str) -> str:
    """Find a column that is asked for.

    Args:
        table: The user's table.
        name: As the user wrote it; case, spaces, underscores and hyphens do not matter where that leaves one.
        flag: By which it was asked for, for messages.

    Returns:
        Its name as the table has it.

    Raises:
        DataError: ``no-such-column``, with the nearest one.
    """
    found = _matching(table, name)
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"the name {quote(name)} fits several columns"
        advice = f"write one of {_shown(found)} exactly"
    else:
        problem = f"there is no column {quote(name)}"
        close = nearest(name.strip(), table.columns)
        advice = f"did you mean {flag} {close}?" if close else f"name one of these columns with {flag}"
    names = list(table.columns)
    found_there = f"{plural(len(names), 'column')} {_shown(names)}"
    raise DataError("no-such-column", problem, where=table.source, found=found_there, advice=advice)


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    return ", ".join(map(quote, names[:_SHOWN_COLUMNS])) + more


def _by_name(names: list[str], known: Sequence[str]) -> str | None:
    by_plain = {plain_name(name): name for name in reversed(names)}
    return next((by_plain[name] for name in known if name in by_plain), None)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a column's cells look like, over the first rows."""

    share_filled: float
    share_distinct: float
    n_distinct: int
    n_rows: int
    mean_length: float
    share_of_letters: float
    longest: int

    @property
    def is_text(self) -> bool:
        """Long, varied, and more letters than digits."""
        return (
            self.share_filled > 0.5
            and self.share_distinct > 0.5
            and self.mean_length >= 8
            and self.share_of_letters > 0.5
        )

    @property
    def is_label(self) -> bool:
        """Few and short values that come back."""
        return (
            self.share_filled > 0.5
            and 2 <= self.n_distinct <= max(2, self.n_rows * self.share_filled / 2)
            and self.longest <= 80
        )


def _content(cells: list[str]) -> _Content:
    sample = cells[:_SAMPLE_ROWS]
    filled = [cell.strip() for cell in sample if cell.strip()]
    everything = "".join(filled)
    spoken = sum(map(str.isalpha, everything)) + everything.count(" ")
    return _Content(
        share_filled=len(filled) / max(1, len(sample)),
        share_distinct=len(set(filled)) / max(1, len(filled)),
        n_distinct=len(set(filled)),
        n_rows=len(sample),
        mean_length=len(everything) / max(1, len(filled)),
        share_of_letters=spoken / max(1, len(everything)),
        longest=max(map(len, filled), default=0),
    )


def _found_text(table: Table, free: list[str], *, need_label: bool) -> tuple[str, str]:
    """The text column by name, else the only column, else the one of long and varied cells."""
    named = _by_name(free, TEXT_NAMES)
    if named is not None:
        return named, "by its name"
    if len(free) == 1 and not need_label:
        return free[0], "the only column"
    texts = {name: content.mean_length for name in free if (content := _content(table.columns[name])).is_text}
    if len(texts) > 1:  # one that is far longer than the others is the text; a name or a subject is not
        longest, second = sorted(texts, key=lambda name: -texts[name])[:2]
        texts = {longest: texts[longest]} if texts[longest] >= 2 * texts[second] else texts
    if len(texts) == 1:
        found = next(iter(texts))
        return found, f"by its content: {texts[found]:.0f} characters in the mean, and varied"
    raise _unclear(table, "text", list(texts))


def _found_label(table: Table, free: list[str], text: list[str]) -> tuple[str, str]:
    """The label column by name, else the only one of few and short values that come back."""
    named = _by_name(free, LABEL_NAMES)
    if named is not None:
        return named, "by its name"
    free = [name for name in free if not _NUMBERING.fullmatch(name)]
    labels = {name: content.n_distinct for name in free if (content := _content(table.columns[name])).is_label}
    if len(labels) == 1:
        found = next(iter(labels))
        return found, f"by its content: {labels[found]} values that come back"
    raise _unclear(table, "label", list(labels), text=text)


def _unclear(table: Table, wanted: str, candidates: list[str], *, text: Sequence[str] = ()) -> DataError:
    """Tell the columns, three rows and the flag that settles it."""
    names = list(table.columns)
    width = max(6, _SAMPLE_WIDTH // len(names) - 3)
    rows = []
    for row in range(min(3, table.n_rows)):
        cells = (column[row] for column in table.columns.values())
        shown = " | ".join(cell if len(cell) <= width else cell[: width - 1] + "…" for cell in cells)
        rows.append(f"{table.places.told([row])}: {quote(shown)}")
    problem = f"several columns could be the {wanted}" if candidates else f"no column is plainly the {wanted}"
    guess = next(iter(candidates or [name for name in names if name not in text]), "NAME")
    if wanted == "label" and len(names) == 1:
        problem = "there is one column only, so no label"
    flags = f"--text {text[0] if text else guess} --label {guess if wanted == 'label' else 'NAME'}"
    return DataError(
        "columns-unclear",
        problem,
        where=table.source,
        found=f"{plural(len(names), 'column')} {_shown(names)}; {'; '.join(rows)}",
        allowed=f"{plural(len(candidates), 'candidate')} {_shown(candidates)}" if candidates else None,
        advice=f"name them: {flags if wanted == 'label' else f'--text {guess}'}; the first line must be the header",
    )
