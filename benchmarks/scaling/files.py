"""Labelled files of any number of rows, and of texts of any length, made of one train file."""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.rows import Rows, read_rows, write_part
from tokenizers import Tokenizer


def write_rows(train: Path, out: Path, n_rows: int) -> Path:
    """Write a file of so many rows.

    Args:
        train: The whole file.
        out: The file to write.
        n_rows: Evenly spaced rows of it; where it has fewer, its rows again with their words in reverse, which are as
            many tokens but no duplicates, as often as needed.

    Returns:
        ``out``.
    """
    rows = read_rows(train)
    if n_rows <= len(rows.texts):
        return write_part(train, out, n_rows=n_rows)
    return _write(out, itertools.islice(_again(rows), n_rows))


def _again(rows: Rows) -> Iterator[tuple[str, str]]:
    """Rows as they are, then in reverse, then with a word taken from the front to the back, and so on."""
    for turn in itertools.count():
        for text, label in zip(rows.texts, rows.labels, strict=True):
            words = text.split()
            turned = words if turn % 2 == 0 else words[::-1]
            shift = (turn // 2) % max(1, len(turned))
            yield " ".join(turned[shift:] + turned[:shift]), label


def counter(base: Path) -> Tokenizer:
    """Open a tokenizer to count with; what its file says of truncation and padding would count for tokens.

    Args:
        base: Folder of a base model.

    Returns:
        The tokenizer.
    """
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def write_lengths(train: Path, out: Path, *, tokenizer: Tokenizer, n_rows: int, n_tokens: int) -> Path:
    """Write a file of texts that are all of about one length.

    Args:
        train: The whole file; its rows of one label are put one after the other.
        out: The file to write.
        tokenizer: Counts tokens.
        n_rows: How many texts, as many of each label.
        n_tokens: Of each; rows are taken until there are as many, and the last one is cut.

    Returns:
        ``out``.
    """
    rows = read_rows(train)
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in zip(rows.texts, rows.labels, strict=True):
        by_label[label].append(text)
    sources = {label: itertools.cycle(texts) for label, texts in sorted(by_label.items())}
    labels = itertools.islice(itertools.cycle(sources), n_rows)
    return _write(out, ((_long(sources[label], tokenizer, n_tokens), label) for label in labels))


def _long(texts: Iterator[str], tokenizer: Tokenizer, n_tokens: int) -> str:
    """Words of one text after the other, until there are as many tokens."""
    parts: list[str] = []
    left = n_tokens
    while left > 0:
        for word in next(texts).split():
            left -= len(tokenizer.encode(word, add_special_tokens=False).ids)
            parts.append(word)
            if left <= 0:
                break
    return " ".join(parts)


def _write(out: Path, records: Iterable[tuple[str, str]]) -> Path:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(records)
    return out
