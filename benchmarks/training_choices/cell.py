"""One cell in a process of its own: what an earlier fit has left behind would count as this one's memory.

python -m benchmarks.training_choices.cell --train FILE --test FILE --out NAME --choice JSON --seed 0 --threads 2
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.fresh import module_command, run_fresh
from benchmarks.training_choices.choices import Choice
from benchmarks.training_choices.measure import measured, probed


def measured_alone(
    train: Path, test: Path, out: Path, *, choice: Choice, seed: int, threads: int, epochs: float | None
) -> dict[str, Any]:
    """Measure a choice in a fresh process.

    Args:
        train: Train file.
        test: Test file.
        out: A name for what is written beside it.
        choice: What differs from the default.
        seed: Of the split, the draws and dropout.
        threads: To compute with.
        epochs: Passes that the default takes; None leaves them to the rung.

    Returns:
        As ``measured`` gives it.

    Raises:
        SystemExit: The process failed; the end of its log is shown.
    """
    flags = {"train": train, "test": test, "out": out, "choice": json.dumps(asdict(choice))}
    flags |= {"seed": seed, "threads": threads, **({} if epochs is None else {"epochs": epochs})}
    done = run_fresh(
        module_command("training_choices.cell", **flags), threads=threads, log=out.with_name(f"{out.name}.log")
    )
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def main() -> None:
    """Land the probe, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "test", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--choice", type=json.loads, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--epochs", type=float)
    flags = parser.parse_args()
    with probed(flags.train, flags.test, flags.out, seed=flags.seed, threads=flags.threads) as site:
        found = measured(site, Choice(**flags.choice), epochs=flags.epochs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
