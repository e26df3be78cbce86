"""model2vec's ``StaticModelForClassification`` on vectors distilled from the same encoder, its defaults, by itself."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from benchmarks.rows import Rows
from benchmarks.train_time.peer import Predict, parser_of, run
from model2vec.distill import distill
from model2vec.train import StaticModelForClassification


def learn(rows: Rows, flags: argparse.Namespace) -> Predict:
    """Distil, train, save.

    Args:
        rows: To learn from.
        flags: Base model, where to write.

    Returns:
        What answers.
    """
    torch.set_num_threads(flags.threads)
    torch.manual_seed(flags.seed)
    model = StaticModelForClassification.from_static_model(model=distill(str(flags.model), device="cpu"))
    model.fit(rows.texts, rows.labels, device="cpu")
    pipeline = model.to_pipeline()
    pipeline.save_pretrained(str(flags.out))

    def predict(texts: list[str]) -> Sequence[str]:
        answers: list[str] = pipeline.predict(texts, use_multiprocessing=False).tolist()
        return answers

    return predict


def main() -> None:
    """Fit, save, evaluate, print."""
    flags = parser_of(__doc__ or "").parse_args()
    run(learn, flags, {})


if __name__ == "__main__":
    main()
