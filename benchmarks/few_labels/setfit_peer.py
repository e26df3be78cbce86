"""SetFit on one file, in a process and an environment of its own; prints what it took and what it answers.

python -m benchmarks.few_labels.setfit_peer --base FOLDER --train FILE --out FOLDER
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.fresh import peak_mib, seconds_since_start
from benchmarks.rows import read_rows


def main() -> None:
    """Train, save and, once the clock has been read, answer the test rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "train", "test", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--iterations", type=int, help="for each row as many alike and as many unlike pairs; else all")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    flags = parser.parse_args()
    import torch
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.set_num_threads(flags.threads)
    rows = read_rows(flags.train)
    names = sorted(set(rows.labels))
    model = SetFitModel.from_pretrained(str(flags.base), labels=names, local_files_only=True)
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
    labelled = Dataset.from_dict({"text": rows.texts, "label": [names.index(label) for label in rows.labels]})
    trainer = Trainer(model=model, args=settings, train_dataset=labelled)
    began = time.monotonic()
    trainer.train()
    train_seconds = time.monotonic() - began
    model.save_pretrained(str(flags.out / "model"))
    told = {"seconds": seconds_since_start(), "cpu_seconds": time.process_time()}
    told |= {"train_seconds": train_seconds, "peak_mib": peak_mib()}
    answers = [str(answer) for answer in model.predict(read_rows(flags.test).texts)]
    print(json.dumps({**told, "answers": answers}))


if __name__ == "__main__":
    main()
