"""One step on one file, in a process of its own: ``probe``, or ``probe`` and a pass of ``finetune``; prints JSON.

python -m benchmarks.scaling.step --train FILE --out NAME --rung probe --epochs 0.3 --threads 1
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tunesmith.config.recipe import load_recipe
from tunesmith.data.read import read_table
from tunesmith.ladder.camp import Lives, open_site
from tunesmith.ladder.narrate import Silent
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import Rung
from tunesmith.ladder.site import Site
from tunesmith.machine.memory import current_mib, peak_mib, reset_peak
from tunesmith.runtimes.allocator import give_back_freed_memory

RUNGS = ("probe", "finetune")


def climbed(site: Site, rung: Rung) -> dict[str, float]:
    """Climb a rung.

    Args:
        site: Those before it have landed.
        rung: Which.

    Returns:
        Seconds of the processors and of the clock, and the most memory above what was held before.
    """
    give_back_freed_memory()
    reset_peak()
    held_mib, cpu_s, wall_s = current_mib(), time.process_time(), time.monotonic()
    site.landings[rung.name] = rung.climb(site)
    return {
        "cpu_s": round(time.process_time() - cpu_s, 3),
        "seconds": round(time.monotonic() - wall_s, 3),
        "above_mib": round(peak_mib() - held_mib, 1),
        "peak_mib": round(peak_mib(), 1),
    }


def steps(train: Path, out: Path, *, wanted: str, epochs: float, threads: int) -> dict[str, Any]:
    """Open a climb and go up to a rung.

    Args:
        train: Labelled file.
        out: A name for what is written beside it.
        wanted: The last rung.
        epochs: Passes of fine-tuning.
        threads: To compute with.

    Returns:
        What that rung took, and rows and tokens.
    """
    names = RUNGS[: RUNGS.index(wanted) + 1]
    settings = {
        "ladder.rungs": names,
        "ladder.budget": "none",
        "run.task": "single_label",
        "run.offline": True,
        "run.threads": threads,
        **({"rung.finetune.epochs": epochs} if wanted == "finetune" else {}),
    }
    resolved = resolve(load_recipe(None, [], settings))
    opening = time.process_time()
    with open_site(resolved, read_table(train), out, lives=Lives(force=True), narrator=Silent()) as site:
        assert site is not None, "a forced run has no earlier life"
        opened_s = time.process_time() - opening
        taken = [climbed(site, rung) for rung in resolved.rungs][-1]
        tokens = site.encoded.tokens
        return {
            **taken,
            "open_cpu_s": round(opened_s, 3),
            "rows": tokens.n_rows,
            "tokens": len(tokens.input_ids),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--rung", choices=RUNGS, required=True)
    parser.add_argument("--epochs", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    flags = parser.parse_args()
    print(json.dumps(steps(flags.train, flags.out, wanted=flags.rung, epochs=flags.epochs, threads=flags.threads)))


if __name__ == "__main__":
    main()
