"""What is wrong with a labelled file, by line number, before any training."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tunesmith.data.grouping import is_giant
from tunesmith.data.labelled import Labelled
from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.data.parts_of_others import with_near_duplicates
from tunesmith.data.places import Places, Unit
from tunesmith.data.tokenize import plain_pieces
from tunesmith.errors import counted, plural, quote
from tunesmith.types import JSON, as_one

Severity = Literal["error", "warning", "info"]

_SHOWN_ROWS = 20
_SHOWN_LABELS = 5
_FEW_ROWS = 10
_FEW_PARTS = 0.01
_LONG_CHARACTERS = 1000
_NULL_LIKE = {"null", "na", "n/a", "#n/a", "none", "nan", "nil", "undefined", "-", "?"}
_MOST_UNKNOWN = 0.05
_MOST_PIECES = 2.0
_UNKNOWN_NAMES = ("[UNK]", "<unk>", "<UNK>")
_UNSPACED = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"  # Thai, Lao, Japanese and Chinese put no spaces between words
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_MARK = re.compile(r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem: how many rows have it and the places of the first twenty."""

    code: str
    severity: Severity
    count: int
    rows: tuple[int, ...]
    message: str
    files: tuple[str, ...] = ()
    """File of each of these rows, where there are several."""
    unit: Unit = "line"
    """What ``rows`` counts."""

    @property
    def told(self) -> str:
        """The message; where it is more than a piece of news, that it is a warning stands before it."""
        return self.message if self.severity == "info" else f"warning: {self.message}"

    def as_dict(self) -> dict[str, JSON]:
        """Give the finding as machine output prints it.

        Returns:
            ``{"code", "severity", "count", "rows", "message"}``; ``"files"`` where there are several, and ``"unit"``
            where the rows have no lines.

        Example:
            >>> Finding("empty-text", "warning", 1, (7,), "1 text is empty").as_dict()["rows"]
            [7]
        """
        found: dict[str, JSON] = {
            "code": self.code,
            "severity": self.severity,
            "count": self.count,
            "rows": list(self.rows),
            "message": self.message,
        }
        if self.files:
            found["files"] = list(self.files)
        if self.unit != "line":
            found["unit"] = self.unit
        return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that have a label, both texts of a pair as one."""

    texts: list[str]
    labels: list[str]
    places: Places
    held: list[tuple[str, ...]]
    """Labels that each cell holds."""

    def rows_of(self, labels: Container[str]) -> list[int]:
        """Rows that have one of some labels."""
        return [row for row, held in enumerate(self.held) if any(label in labels for label in held)]


def check(
    labelled: Labelled,
    *,
    groups: NDArray[np.int64] | None = None,
    is_part: NDArray[np.bool_] | None = None,
    unlabelled: Places | None = None,
    labels_in: Callable[[str], tuple[str, ...]] = lambda cell: (cell,),
) -> list[Finding]:
    """Look for what harms training or its figures, and for what training refuses; nothing is changed.

    Args:
        labelled: The rows that have a label.
        groups: Near-duplicate group of each row where it is known already, ``[N]``.
        is_part: Whether a row's text is part of another's where it is known already, ``[N]``.
        unlabelled: Where the rows are that have none.
        labels_in: Lists the labels that a cell holds; none where it is a number.

    Returns:
        Findings, errors first, then warnings, then infos.

    Example:
        >>> rows = Labelled(["Where is my card?", ""] * 10, ["cards", "other"] * 10, Places.of("a.csv", range(2, 22)))
        >>> [finding.code for finding in check(rows)]
        ['empty-text', 'duplicate']
    """
    held = [labels_in(cell) for cell in labelled.labels]
    rows = _Rows(list(map(as_one, labelled.texts)), labelled.labels, labelled.places, held)
    findings = [
        *_missing_labels(unlabelled, len(labelled.labels)),
        *_too_little(rows),
        *_empty_texts(rows),
        *_id_like_texts(rows),
        *_constant_length(rows),
        *_duplicates(rows, groups, is_part),
        *_rare_classes(rows),
        *_look_alike_labels(rows),
        *_null_like_labels(rows),
        *_long_texts(rows),
    ]
    return sorted(findings, key=lambda finding: ("error", "warning", "info").index(finding.severity))


def check_pieces(texts: Sequence[str], tokenizer: Tokenizer) -> Finding | None:
    """Tell when a tokenizer does not know the language of the texts.

    Args:
        texts: A sample of prepared texts.
        tokenizer: The base model's.

    Returns:
        ``unknown-pieces`` where more than 5 % of the word pieces are unknown, ``many-pieces`` where a word takes more
        than two pieces in the mean, else None. A character of a script without spaces counts as a word.
    """
    pieces, n_pieces = plain_pieces(texts, tokenizer)
    n_words = sum(len(_WORD.findall(text)) for text in texts)
    if not pieces.size or not n_words:
        return None
    advice = "choose a base model made for the language of these texts with --base"
    unknown = _unknown_id(tokenizer)
    is_unknown = pieces == unknown if unknown is not None else np.zeros(pieces.size, dtype=bool)
    if is_unknown.mean() > _MOST_UNKNOWN:
        rows = len(np.unique(np.repeat(np.arange(len(texts)), n_pieces)[is_unknown]))
        message = f"{100.0 * is_unknown.mean():.0f} % of the word pieces are unknown to the base model; {advice}"
        return Finding("unknown-pieces", "warning", rows, (), message)
    per_word = (
        pieces.size - sum(len(_MARK.findall(text)) for text in texts)
    ) / n_words  # a mark is a piece, not a word
    if per_word > _MOST_PIECES:
        message = f"the base model cuts a word into {per_word:.1f} pieces in the mean; {advice}"
        return Finding("many-pieces", "warning", len(texts), (), message)
    return None


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    named = getattr(tokenizer.model, "unk_token", None)
    known = (tokenizer.token_to_id(name) for name in (named, *_UNKNOWN_NAMES) if name)
    return next((token for token in known if token is not None), None)


def _finding(labelled: _Rows, code: str, severity: Severity, *, rows: Sequence[int], message: str) -> Iterator[Finding]:
    """Make a finding of row numbers where there are any."""
    if rows:
        yield _placed(code, severity, labelled.places.select(rows), message=message)


def _rows_where(values: Sequence[str], holds: Callable[[str], bool]) -> list[int]:
    return [row for row, value in enumerate(values) if holds(value)]


def _shown(labels: Sequence[str]) -> str:
    return ", ".join(map(quote, labels[:_SHOWN_LABELS])) + (", ..." if len(labels) > _SHOWN_LABELS else "")


def _placed(code: str, severity: Severity, rows: Places, *, message: str) -> Finding:
    """Make a finding of rows, the first of which are told."""
    shown = range(min(len(rows), _SHOWN_ROWS))
    files = tuple(rows.source_of(row)[0] for row in shown) if len(rows.sources) > 1 else ()
    numbers = tuple(rows.numbers[: len(shown)].tolist())
    return Finding(code, severity, len(rows), numbers, message, files, rows.source_of(0)[1])


def _missing_labels(rows: Places | None, n_labelled: int) -> Iterator[Finding]:
    if rows:
        one = len(rows) == 1
        leave = f"leave {'this row' if one else 'these rows'} out with --drop-unlabelled"
        advice = leave if n_labelled else "name the right column with --label"
        told = f"{len(rows)} of {counted(len(rows) + n_labelled, 'row')} {'has' if one else 'have'} an empty label"
        message = f"{told}: fill {'it' if one else 'them'}, or {advice}"
        yield _placed("label-missing", "error", rows, message=message)


def _too_little(labelled: _Rows) -> Iterator[Finding]:
    """What can be measured on but not learnt from."""
    rows = range(len(labelled.labels))
    if len(rows) == 1:
        message = "there is one labelled row only; add rows with the other labels"
        yield from _finding(labelled, "one-row", "error", rows=rows, message=message)
    elif len(set(labelled.labels)) == 1:
        label = quote(labelled.labels[0])
        told = f"all {len(rows)} rows have the label {label}"
        message = f"{told}; add rows of another, or name the right column with --label"
        yield from _finding(labelled, "one-class", "error", rows=rows, message=message)


def _empty_texts(labelled: _Rows) -> Iterator[Finding]:
    rows = _rows_where(labelled.texts, lambda text: not text)
    teach = plural(len(rows), "it teaches", "they teach")
    message = f"{counted(len(rows), 'row')} with an empty text; {teach} nothing"
    yield from _finding(labelled, "empty-text", "warning", rows=rows, message=message)


def _id_like_texts(labelled: _Rows) -> Iterator[Finding]:
    """Numbers or codes in place of sentences: most likely the wrong column."""
    rows = _rows_where(labelled.texts, _is_code)
    if len(rows) > 0.9 * len(labelled.texts):
        told = f"{counted(len(rows), 'row holds', 'rows hold')} a number or a code, not a text"
        message = f"{told}; name the right column with --text"
        yield from _finding(labelled, "id-like-text", "error", rows=rows, message=message)


def _is_code(text: str) -> bool:
    """Whether a text is one ASCII word with a digit in it; in linear time, however long the text."""
    return text.isascii() and text.isprintable() and " " not in text and any(map(str.isdigit, text))


def _constant_length(labelled: _Rows) -> Iterator[Finding]:
    rows = _rows_where(labelled.texts, bool)
    lengths = {len(labelled.texts[row]) for row in rows}
    if len(rows) >= 2 * _FEW_ROWS and len(lengths) == 1:
        length = counted(lengths.pop(), "character")
        message = f"{len(rows)} rows all hold a text of exactly {length}: cut, padded or coded texts?"
        yield from _finding(labelled, "constant-length", "warning", rows=rows, message=message)


def _duplicates(
    labelled: _Rows, groups: NDArray[np.int64] | None, is_part: NDArray[np.bool_] | None
) -> Iterator[Finding]:
    exact = exact_groups(labelled.texts)
    labels_of: dict[int, set[str]] = {}
    again, seen = [], set()
    for row, group in enumerate(exact.tolist()):
        if not labelled.texts[row]:
            continue
        labels_of.setdefault(group, set()).add(labelled.labels[row])
        if (group, labelled.labels[row]) in seen:
            again.append(row)
        seen.add((group, labelled.labels[row]))
    conflicts = [row for row, group in enumerate(exact.tolist()) if len(labels_of.get(group, ())) > 1]
    told = f"{len(conflicts)} rows have a text that other rows have under another label"
    message = f"{told}; no model can be right on all of them"
    yield from _finding(labelled, "conflicting-duplicates", "warning", rows=conflicts, message=message)
    told = f"{counted(len(again), 'row repeats', 'rows repeat')} an earlier row's text and label"
    message = f"{told} (but for case, spaces and punctuation)"
    yield from _finding(labelled, "duplicate", "info", rows=again, message=message)
    near = near_duplicate_groups(labelled.texts) if groups is None else groups
    n_kinds = Counter(near[group] for group in np.unique(exact).tolist())
    is_near = np.array([n_kinds[group] > 1 for group in near.tolist()], dtype=np.bool_)
    yield from _near_duplicates(labelled, near, is_near)
    part = with_near_duplicates(near, labelled.texts).is_part if is_part is None else is_part
    yield from _parts(labelled, is_near, part)


def _near_duplicates(labelled: _Rows, near: NDArray[np.int64], is_near: NDArray[np.bool_]) -> Iterator[Finding]:
    """Rows that have a near-duplicate which is no exact one; a giant group is a warning."""
    rows = np.flatnonzero(is_near).tolist()
    largest = int(np.unique(near, return_counts=True)[1].max(initial=0))
    message = f"{len(rows)} rows are nearly the same as another row; such rows are kept together when rows are held out"
    giant = is_giant(near)
    if giant:
        message += f"; one group of {largest} rows is too large for that, so only exact duplicates are"
    yield from _finding(labelled, "near-duplicates", "warning" if giant else "info", rows=rows, message=message)


def _parts(labelled: _Rows, is_near: NDArray[np.bool_], is_part: NDArray[np.bool_]) -> Iterator[Finding]:
    """Rows whose text another row holds, where that is much longer: the others are told as near-duplicates.

    A few by chance are no news: kept together they are all the same.
    """
    rows = np.flatnonzero(is_part & ~is_near).tolist()
    if len(rows) < _FEW_PARTS * len(is_part):
        return
    told = f"the text of {counted(len(rows), 'row is', 'rows is')} part of another row's"
    message = f"{told}; such rows are kept together when rows are held out"
    yield from _finding(labelled, "part-of-another", "info", rows=rows, message=message)


def _rare_classes(labelled: _Rows) -> Iterator[Finding]:
    counts = Counter(label for held in labelled.held for label in held)
    single = [label for label, count in counts.items() if count == 1]
    rare = [label for label, count in counts.items() if 1 < count < _FEW_ROWS]
    rows = labelled.rows_of(set(single))
    alone = counted(len(rows), "row is the only one of its label", "rows are the only one of their label")
    message = f"{alone}, which can be learnt but not measured: {_shown(single)}"
    yield from _finding(labelled, "single-row-class", "warning", rows=rows, message=message)
    rows = labelled.rows_of(set(rare))
    few = counted(len(rare), "label has", "labels have")
    message = f"{few} fewer than {_FEW_ROWS} rows ({counted(len(rows), 'row')} in all): {_shown(rare)}"
    yield from _finding(labelled, "rare-class", "warning", rows=rows, message=message)


def _look_alike_labels(labelled: _Rows) -> Iterator[Finding]:
    by_look: dict[str | float, list[str]] = {}
    for label, _ in Counter(label for held in labelled.held for label in held).most_common():
        by_look.setdefault(_look(label), []).append(label)
    alike = [labels for labels in by_look.values() if len(labels) > 1]
    rows = labelled.rows_of({label for labels in alike for label in labels[1:]})
    seen = "; ".join(_shown(labels) for labels in alike[:5])
    message = f"{counted(len(rows), 'row has', 'rows have')} a label that looks like another one: {seen}"
    yield from _finding(labelled, "look-alike-labels", "warning", rows=rows, message=message)


def _look(label: str) -> str | float:
    """What a label looks like: its value if it is a number, else its letters and signs without case or spacing."""
    try:
        return float(label)
    except ValueError:
        plain = unicodedata.normalize("NFKC", label).casefold()
        return re.sub(r"[\s_\-.,;:!'\"]+", "", plain) or plain


def _null_like_labels(labelled: _Rows) -> Iterator[Finding]:
    names = sorted({label for held in labelled.held for label in held if label.casefold() in _NULL_LIKE})
    rows = labelled.rows_of(set(names))
    told = f"{counted(len(rows), 'row has', 'rows have')} the label {_shown(names)}"
    message = f"{told}, taken as a label like any other; is it a missing value?"
    yield from _finding(labelled, "null-like-label", "warning", rows=rows, message=message)


def _long_texts(labelled: _Rows) -> Iterator[Finding]:
    rows = _rows_where(labelled.texts, lambda text: len(text) > _LONG_CHARACTERS)
    told = f"{counted(len(rows), 'row has', 'rows have')} more than {_LONG_CHARACTERS} characters"
    message = f"{told}; long texts are read in windows, nothing is cut off"
    yield from _finding(labelled, "long-texts", "info", rows=rows, message=message)
