"""What all contenders of one comparison share, and the flags that set it."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.provenance import available_cores
from benchmarks.rows import Dataset, find_dataset, write_part

HERE = Path(__file__).resolve().parent
TRAINER_RATES = (5e-5, 1e-4, 2e-4, 5e-4)


@dataclass(frozen=True)
class Setting:
    """Threads, seed and scratch folder, and the parts of the comparison that were asked for."""

    threads: int
    seed: int
    scratch: Path
    rates: tuple[float, ...]
    """Peak learning rates of the Trainer's grid."""
    epochs: int | None
    """Passes of every Trainer run, in place of 3 and 4."""
    limit: int | None
    """Rows of each file that are used, to try the benchmark out."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that all scripts share."""
    parser.add_argument("dataset", help="folder with train.csv and test.csv, for example banking77")
    parser.add_argument(
        "--threads", type=int, default=available_cores(), help="of every contender (default: all cores)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rates", type=float, nargs="+", default=list(TRAINER_RATES), help="of the Trainer's grid")
    parser.add_argument(
        "--budgets", nargs="*", help="of tunesmith's climbs (default: 2m 5m; sst2_glue: 5m 15m; with none, no climb)"
    )
    parser.add_argument("--limit", type=int, help="try out: use this many rows of each file")
    parser.add_argument("--epochs", type=int, help="let the Trainer make this many passes; a trial, unless named")


def setting_of(flags: argparse.Namespace) -> tuple[Dataset, Setting]:
    """Turn flags into a dataset and a setting, with an empty scratch folder.

    Returns:
        The dataset, cut down where ``--limit`` asks for it, and the setting.
    """
    scratch = HERE / "scratch" / flags.dataset
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    dataset = find_dataset(flags.dataset)
    if flags.budgets is not None:
        dataset = dataclasses.replace(dataset, budgets=tuple(flags.budgets))
    if flags.limit is not None:
        dataset = dataclasses.replace(
            dataset,
            train=write_part(dataset.train, scratch / "train.csv", n_rows=flags.limit),
            test=write_part(dataset.test, scratch / "test.csv", n_rows=flags.limit),
        )
    setting = Setting(flags.threads, flags.seed, scratch, tuple(flags.rates), flags.epochs, flags.limit)
    return dataset, setting
