"""SetFit with as much time as it is given: its fine-tuning stops there, then its head is fitted on all rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import torch
from benchmarks.fresh import seconds_since_start
from benchmarks.rows import Rows
from benchmarks.train_time.peer import Predict, parser_of, run
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from transformers import TrainerCallback, TrainerControl


class StopInTime(TrainerCallback):
    """Ends fine-tuning when the process has had its time.

    Args:
        limit_s: Seconds from the start of the process.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> TrainerControl:
        """Look at the clock."""
        del args, state
        control.should_training_stop = seconds_since_start() > self._limit_s
        return control


def learn(rows: Rows, flags: argparse.Namespace) -> Predict:
    """Fine-tune on pairs until the time is over, fit the head, save.

    Args:
        rows: To learn from.
        flags: Base model, pairs, time, where to write.

    Returns:
        What answers.
    """
    torch.set_num_threads(flags.threads)
    labels = sorted(set(rows.labels))
    model = SetFitModel.from_pretrained(str(flags.model), labels=labels, local_files_only=True)
    settings = TrainingArguments(
        output_dir=str(flags.out / "checkpoints"),
        batch_size=16,
        num_epochs=1,
        num_iterations=flags.iterations,
        sampling_strategy="oversampling",
        save_strategy="no",
        report_to="none",
        show_progress_bar=False,
        seed=flags.seed,
    )
    data = Dataset.from_dict({"text": rows.texts, "label": [labels.index(label) for label in rows.labels]})
    Trainer(model=model, args=settings, train_dataset=data, callbacks=[StopInTime(flags.limit_s)]).train()
    model.save_pretrained(str(flags.out / "model"))

    def predict(texts: list[str]) -> Sequence[str]:
        return [str(answer) for answer in model.predict(texts)]

    return predict


def main() -> None:
    """Fit, save, evaluate, print."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--iterations", type=int, required=True, help="for each row as many alike and unlike pairs")
    parser.add_argument("--limit-s", type=float, required=True, help="of fine-tuning, from the start of the process")
    flags = parser.parse_args()
    run(learn, flags, {"iterations": flags.iterations, "limit_s": flags.limit_s, "batch_size": 16})


if __name__ == "__main__":
    main()
