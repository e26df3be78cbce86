"""The Hugging Face Trainer as its documentation shows it, in a process of its own.

Prints one JSON line each time a model is on disk: after every epoch with ``--evaluate epoch``, else once at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from benchmarks.fresh import current_mib, peak_mib, seconds_since_start
from benchmarks.rows import MAX_SEQ_LENGTH, Rows, read_rows
from benchmarks.train_time.scores import scores
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
)


class EpochLog(TrainerCallback):
    """Prints a point of the curve when an epoch's model is on disk, and keeps the time spent on evaluation apart.

    Args:
        constant: What every point repeats: settings and the memory of the loaded model.
        tokens: Real tokens of the train file.
    """

    def __init__(self, constant: dict[str, Any], tokens: int) -> None:
        self._constant = constant
        self._tokens = tokens
        self._epoch_ended = 0.0
        self._evaluation_seconds = 0.0
        self._metrics: dict[str, float] = {}

    def on_epoch_end(self, *_: object, **__: object) -> None:
        """Note when training paused."""
        self._epoch_ended = seconds_since_start()

    def on_evaluate(self, *_: object, metrics: dict[str, float], **__: object) -> None:
        """Note how long the evaluation took."""
        self._evaluation_seconds += seconds_since_start() - self._epoch_ended
        self._metrics = {name: metrics[f"eval_{name}"] for name in ("accuracy", "macro_f1")}

    def on_save(self, _: TrainingArguments, state: TrainerState, *__: object, **___: object) -> None:
        """Print the point, evaluation's share told beside the whole time."""
        self.point(round(state.epoch or 0), metrics=self._metrics, seconds=seconds_since_start(), peak=peak_mib())

    def point(self, epoch: int, *, metrics: dict[str, float], seconds: float, peak: float) -> None:
        """Print one JSON line.

        Args:
            epoch: Passes over the train file so far.
            metrics: Scores on the test file.
            seconds: From the start of the process to the model on disk.
            peak: Largest resident memory until then, in MiB.
        """
        measured = {
            "epoch": epoch,
            "seconds": round(seconds, 3),
            "cpu_seconds": round(time.process_time(), 3),
            "evaluation_seconds": round(self._evaluation_seconds, 3),
            "peak_mib": round(peak, 1),
            "tokens": self._tokens * epoch,
        }
        print(json.dumps({**self._constant, **measured, **metrics}), flush=True)


def encoded(rows: Rows, tokenizer: PreTrainedTokenizerBase, labels: list[str]) -> list[dict[str, Any]]:
    """Turn rows into the features that the Trainer takes.

    Args:
        rows: Texts and labels.
        tokenizer: The base model's.
        labels: All labels in the order of their numbers.

    Returns:
        One dict a row, not padded.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    columns = tokenizer(rows.texts, truncation=True, max_length=MAX_SEQ_LENGTH)
    return [
        {**{name: columns[name][row] for name in columns}, "labels": numbers[label]}
        for row, label in enumerate(rows.labels)
    ]


def arguments_of(options: argparse.Namespace) -> TrainingArguments:
    """Build the Trainer's arguments: its defaults but for what the benchmark sets.

    Args:
        options: Parsed flags.

    Returns:
        Arguments that report to nobody and use no accelerator.
    """
    return TrainingArguments(
        output_dir=str(options.out),
        learning_rate=options.learning_rate,
        num_train_epochs=options.epochs,
        max_steps=options.max_steps,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=64,
        eval_strategy="epoch" if options.evaluate == "epoch" else "no",
        save_strategy="epoch" if options.evaluate == "epoch" else "no",
        save_only_model=True,
        save_total_limit=1,
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        seed=options.seed,
    )


def parse_flags() -> argparse.Namespace:
    """Read the command line.

    Returns:
        The flags.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--train", "--test", "--model", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-steps", type=int, default=-1, help="in place of epochs, where given")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluate", choices=["epoch", "end"], required=True)
    return parser.parse_args()


def main() -> None:
    """Train, save, evaluate, print."""
    options = parse_flags()
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    train, test = read_rows(options.train), read_rows(options.test)
    labels = sorted({*train.labels, *test.labels})
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=len(labels))
    settings = {name: getattr(options, name) for name in ("learning_rate", "epochs", "batch_size", "threads", "seed")}
    constant = {"settings": {**settings, "evaluate": options.evaluate}, "loaded_mib": round(current_mib(), 1)}

    def metrics_of(output: EvalPrediction) -> dict[str, float]:
        predicted = np.argmax(output.predictions, axis=-1)
        return scores([labels[number] for number in predicted], [labels[number] for number in output.label_ids])

    features = encoded(train, tokenizer, labels)
    log = EpochLog(constant, tokens=sum(len(row["input_ids"]) for row in features))
    trainer = Trainer(
        model=model,
        args=arguments_of(options),
        train_dataset=features,
        eval_dataset=encoded(test, tokenizer, labels),
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_metrics=metrics_of,
        callbacks=[log] if options.evaluate == "epoch" else [],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to the output that holds our lines
    trainer.train()
    if options.evaluate == "end":
        trainer.save_model(os.fspath(options.out / "final"))
        on_disk = {"seconds": seconds_since_start(), "peak": peak_mib()}
        found = trainer.evaluate()
        metrics = {name: found[f"eval_{name}"] for name in ("accuracy", "macro_f1")}
        log.point(options.epochs, metrics=metrics, **on_disk)


if __name__ == "__main__":
    main()
