"""fastText's supervised classifier, words and word pairs, in a process of its own."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import fasttext
from benchmarks.rows import Rows
from benchmarks.train_time.peer import Predict, parser_of, run

_PREFIX = "__label__"


def plain(text: str) -> str:
    """Put a text the way fastText's guide does: small letters, punctuation apart.

    Args:
        text: Any.

    Returns:
        One line.

    Example:
        >>> plain("Where's my card?")
        "where ' s my card ?"
    """
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def learn(rows: Rows, flags: argparse.Namespace) -> Predict:
    """Write fastText's file, train, save.

    Args:
        rows: To learn from.
        flags: Passes, rate, where to write.

    Returns:
        What answers.
    """
    labels = sorted(set(rows.labels))
    numbers = {label: number for number, label in enumerate(labels)}
    file = flags.out / "train.txt"
    lines = (f"{_PREFIX}{numbers[label]} {plain(text)}" for text, label in zip(rows.texts, rows.labels, strict=True))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = fasttext.train_supervised(
        str(file), lr=flags.rate, epoch=flags.epochs, wordNgrams=2, thread=flags.threads, verbose=0
    )
    model.save_model(str(flags.out / "model.bin"))

    def predict(texts: list[str]) -> Sequence[str]:
        found, _ = model.predict([plain(text) for text in texts])
        return [labels[int(each[0].removeprefix(_PREFIX))] for each in found]

    return predict


def main() -> None:
    """Fit, save, evaluate, print."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    flags = parser.parse_args()
    run(learn, flags, {"rate": flags.rate, "epochs": flags.epochs, "wordNgrams": 2})


if __name__ == "__main__":
    main()
