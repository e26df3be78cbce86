"""The files that a user names: paths, patterns and folders to existing files, each with its format."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, TypeGuard

from tunesmith.errors import DataError

Format: TypeAlias = Literal["csv", "tsv", "json", "parquet", "fasttext", "rasa", "spacy", ""]
"""How a file is laid out; empty where only its content can tell."""

PathLike: TypeAlias = str | os.PathLike[str]

STDIN = "-"

_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "",
    ".ft": "fasttext",
    ".yml": "rasa",
    ".yaml": "rasa",
    ".spacy": "spacy",
}
_PACKED = ".gz"


def files_given(paths: PathLike | Sequence[PathLike]) -> list[str]:
    """List the files that paths and patterns stand for.

    Args:
        paths: One or several; ``-`` is standard input, and a name with ``* ? [`` that no file has is a pattern.

    Returns:
        Their names, a pattern's sorted; at least one.

    Raises:
        DataError: ``no-files``, a pattern matches none or the list is empty.
    """
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = [file for path in named for file in _matching(os.fspath(path))]
    if not found:
        raise DataError("no-files", "no file is named", advice="name at least one file")
    return found


def are_paths(data: object) -> TypeGuard[PathLike | Sequence[PathLike]]:
    """Tell paths from a frame.

    Returns:
        True for a path and for a list or tuple of paths.

    Example:
        >>> are_paths(["a.csv", "b.csv"]), are_paths({"text": []})
        (True, False)
    """
    many = data if isinstance(data, list | tuple) and data else [data]
    return all(isinstance(each, str | os.PathLike) for each in many)


def plain_stem(file: str) -> str:
    """Give a file's name without its folder and its endings.

    Returns:
        The name that a model made from it goes by.

    Example:
        >>> plain_stem("data/tickets.2024.csv.gz")
        'tickets.2024'
    """
    path = Path(file)
    return Path(path.stem).stem if path.suffix.lower() == _PACKED else path.stem


def format_of(path: Path) -> Format:
    """Tell the format by the ending, once it is sure that a file is there.

    Args:
        path: The file; ``.gz`` behind the ending is looked through.

    Returns:
        The format, empty for a ``.gz`` without another ending.

    Raises:
        DataError: ``file-is-directory``, ``file-missing`` or ``unknown-format``.
    """
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if _ending(entry) in _ENDINGS)
        raise DataError(
            "file-is-directory",
            "this is a directory, not a file",
            where=str(path),
            found=f"inside: {', '.join(inside[:10])}" if inside else "no .csv, .tsv, .jsonl or .parquet file inside",
            advice=f"name the file, for example {path / inside[0]}" if inside else "name the file itself",
        )
    if not path.exists():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, beside, n=1)
        raise DataError(
            "file-missing",
            "there is no such file",
            where=str(path),
            advice=f"did you mean {path.parent / close[0]}?" if close else f"check the path; looked from {Path.cwd()}",
        )
    ending = _ending(path)
    if not ending and path.suffix.lower() == _PACKED:
        return ""
    if ending not in _ENDINGS:
        raise unknown_format(str(path), f"a name that ends in {path.suffix or 'nothing'!r}")
    return _ENDINGS[ending]


def unknown_format(source: str, found: str) -> DataError:
    """Make the error for a file that cannot be read.

    Args:
        source: Its name.
        found: What it is or looks like.

    Returns:
        The error.
    """
    return DataError(
        "unknown-format",
        "this is not a kind of file that can be read",
        where=source,
        found=found,
        allowed=".csv, .tsv, .jsonl (one JSON object a line), each also as .gz; .parquet; fastText's .txt, "
        "Rasa's .yml, spaCy's .spacy",
        advice="save or export it as CSV (UTF-8), or rename it if it is one",
    )


def _matching(name: str) -> list[str]:
    """Give the files of a pattern; anything else is a name."""
    if not glob.has_magic(name) or Path(name).exists():
        return [name]
    found = sorted(file for file in glob.glob(name, recursive=True) if Path(file).is_file())  # noqa: PTH207 - as given
    if not found:
        raise DataError(
            "no-files", "no file matches this pattern", where=name, advice=f"check it; looked from {Path.cwd()}"
        )
    return found


def _ending(path: Path) -> str:
    """Give the ending that tells the format, in small letters."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == _PACKED else path.suffix.lower()
