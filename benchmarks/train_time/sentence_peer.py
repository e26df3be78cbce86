"""sentence-transformers' vectors under scikit-learn's logistic regression, in a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import joblib
import torch
from benchmarks.rows import Rows
from benchmarks.train_time.peer import Predict, parser_of, run
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression


def learn(rows: Rows, flags: argparse.Namespace) -> Predict:
    """Encode every row once and fit.

    Args:
        rows: To learn from.
        flags: Base model, strength, where to write.

    Returns:
        What answers.
    """
    torch.set_num_threads(flags.threads)
    encoder = SentenceTransformer(str(flags.model), device="cpu", local_files_only=True)

    def vectors(texts: list[str]) -> object:
        return encoder.encode(texts, batch_size=32, show_progress_bar=False)

    head = LogisticRegression(C=flags.strength, max_iter=1000).fit(vectors(rows.texts), rows.labels)
    encoder.save(str(flags.out / "encoder"))
    joblib.dump(head, flags.out / "head.joblib")

    def predict(texts: list[str]) -> Sequence[str]:
        answers: list[str] = head.predict(vectors(texts)).tolist()
        return answers

    return predict


def main() -> None:
    """Fit, save, evaluate, print."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--strength", type=float, required=True, help="C: the inverse of the penalty")
    flags = parser.parse_args()
    run(learn, flags, {"C": flags.strength, "batch_size": 32})


if __name__ == "__main__":
    main()
