"""What fine-tuning holds in memory beside the loaded model, and what the Trainer does; writes results/SET.json.

python -m benchmarks.train_memory.run [--sets SET …] [--only CONTENDER …] [--batch-tokens 1024]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, cells_of, origin_of, places, put_table, read_results
from benchmarks.fresh import module_command, run_fresh
from benchmarks.methods.run import METHODS
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import MAX_SEQ_LENGTH, Dataset, find_dataset, read_rows, write_part
from benchmarks.train_time.peers import base_model_folder
from tokenizers import Tokenizer

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "transformers", "tokenizers", "numpy")
SETS: Mapping[str, tuple[str, int | None]] = {"banking77": ("banking77", None), "sst2_glue_10k": ("sst2_glue", 10_000)}
"""Name to data set and train rows; None for all."""
TRAINER = "Trainer"
OURS = {choice.name: choice.changes for choice in METHODS}
CONTENDERS = (TRAINER, *OURS)
WANTED = 1 / 3
"""Of what the Trainer holds beside the loaded model."""
EPOCHS = 0.3
"""Passes of everyone: hundreds of steps, after which no peak has been seen to rise."""


def measured(name: str, dataset: Dataset, scratch: Path, *, batch_tokens: int, threads: int) -> dict[str, Any]:
    """Train one contender in a process of its own.

    Args:
        name: Who.
        dataset: Train and test file.
        scratch: Where models and logs go.
        batch_tokens: Real tokens of an optimiser step; the Trainer's batch has as many rows as have them in the mean.
        threads: To compute with.

    Returns:
        Peak of the process, what it held with the model loaded, the difference, and seconds of the processors.
    """
    load = round(os.getloadavg()[0], 2)
    run = _trainer if name == TRAINER else _ours
    found = run(name, dataset, scratch, batch_tokens=batch_tokens, threads=threads)
    return {**found, "above_mib": round(found["peak_mib"] - found["loaded_mib"], 1), "load_before": load}


def _trainer(name: str, dataset: Dataset, scratch: Path, *, batch_tokens: int, threads: int) -> dict[str, Any]:
    del name
    n_rows, tokens = tokens_of(dataset.train)
    batch_size = max(1, round(batch_tokens * n_rows / tokens))
    steps = max(1, round(EPOCHS * n_rows / batch_size))
    flags: dict[str, Any] = {"train": dataset.train, "test": dataset.test, "model": base_model_folder()}
    flags |= {"out": scratch / "trainer", "learning_rate": 5e-5, "epochs": 1, "evaluate": "end", "threads": threads}
    flags |= {"batch_size": batch_size, "max_steps": steps}
    ended = run_fresh(module_command("train_time.trainer_peer", **flags), threads=threads, log=scratch / "trainer.log")
    told_once = json.loads(ended.output.splitlines()[-1])
    return {key: told_once[key] for key in ("peak_mib", "loaded_mib")} | {
        "cpu_s": round(ended.cpu_s, 1),
        "batch_size": batch_size,
        "steps": steps,
    }


def _ours(name: str, dataset: Dataset, scratch: Path, *, batch_tokens: int, threads: int) -> dict[str, Any]:
    log = scratch / "tunesmith.log"
    loaded = json.loads(run_fresh(module_command("train_time.loaded"), threads=threads, log=log).output)
    settings = {"epochs": EPOCHS, "batch_tokens": batch_tokens, **OURS[name]}
    flags = [part for key, value in flat("rung.finetune", settings).items() for part in ("--set", f"{key}={value}")]
    command = [
        str(Path(sys.executable).with_name("tunesmith")),
        "train",
        str(dataset.train),
        "--rungs",
        "probe,finetune",
    ]
    command += [*flags, "--budget", "none", "--offline", "--json", "-q", "--threads", str(threads), "--force"]
    ended = run_fresh([*command, "--out", str(scratch / "out.model")], threads=threads, log=log)
    rungs = json.loads(ended.output)["rungs"]
    return {
        # a rung starts the system's count of the peak anew, so the process's own figure is that of its last phase
        "peak_mib": round(max(ended.peak_mib, *(rung["peak_mib"] for rung in rungs)), 1),
        "loaded_mib": loaded["loaded_mib"],
        "cpu_s": round(ended.cpu_s, 1),
        "rungs": {rung["name"]: rung["peak_mib"] for rung in rungs},
    }


def flat(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write nested settings as keys of ``--set``.

    Args:
        name: Of the section.
        settings: Values, or mappings of them.

    Returns:
        Value by dotted key.

    Example:
        >>> flat("a", {"b": 1, "c": {"d": 2}})
        {'a.b': 1, 'a.c.d': 2}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flat(f"{name}.{key}", value) if isinstance(value, dict) else {f"{name}.{key}": value}
    return found


def tokens_of(path: Path) -> tuple[int, int]:
    """Count rows and tokens of a file.

    Args:
        path: Labelled texts.

    Returns:
        Both.
    """
    tokenizer = Tokenizer.from_file(str(base_model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_SEQ_LENGTH)
    encoded = tokenizer.encode_batch_fast(read_rows(path).texts)
    return len(encoded), sum(len(each.ids) for each in encoded)


def markdown(wholes: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the cells out.

    Args:
        wholes: Results of each data set.

    Returns:
        A Markdown table; where the Trainer was not measured at as many tokens, the share is empty.
    """
    lines = [
        "| data | tokens of a step | | peak, MiB | loaded, MiB | above it, MiB | of the Trainer's |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for label, whole in wholes.items():
        cells = cells_of(whole)
        for key, cell in sorted(cells.items(), key=lambda item: (int(item[0].split("/")[0]), -item[1]["above_mib"])):
            tokens, name = key.split("/")
            trainer = cells.get(f"{tokens}/{TRAINER}")
            share = "" if trainer is None else f"{cell['above_mib'] / trainer['above_mib']:.2f}"
            shown = f"{TRAINER}, {cell['batch_size']} rows" if name == TRAINER else f"`{name}`"
            figures = [f"{cell[part]:,.0f}" for part in ("peak_mib", "loaded_mib", "above_mib")]
            lines.append(f"| {label} | {int(tokens):,} | {shown} | {' | '.join(figures)} | {share} |")
    return "\n".join(lines)


def verdicts(wholes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hold what was measured to what is wanted, as it is.

    Args:
        wholes: Results of each data set.

    Returns:
        A sentence for each data set of which the Trainer and ``full`` were measured.
    """
    found = []
    for label, whole in wholes.items():
        cells = whole["cells"]
        for tokens in sorted({int(key.split("/")[0]) for key in cells}):
            both = [cells.get(f"{tokens}/{name}") for name in (TRAINER, "full")]
            if None not in both:
                share = both[1]["above_mib"] / both[0]["above_mib"]
                verdict = "met" if share <= WANTED else "not met"
                found.append(
                    f"{label}, {tokens:,} tokens a step: training every layer holds {share:.2f} of what the Trainer "
                    f"does; wanted {WANTED:.2f}: {verdict}."
                )
    return found


def write_table(folder: Path, readme: Path) -> str:
    """Put the table of what has been measured into the text about it.

    Args:
        folder: Holds the cells.
        readme: Has a place for the table.

    Returns:
        The table.
    """
    wholes = read_results(folder, list(SETS))
    text = "\n\n".join([markdown(wholes), *verdicts(wholes), told(origin_of(wholes))])
    put_table(readme, text)
    return text


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), metavar="SET")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS), choices=CONTENDERS, metavar="CONTENDER")
    parser.add_argument("--batch-tokens", type=int, nargs="+", default=[1024])
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--limit", type=int, help="rows of each file at most: a trial, which writes to scratch/ only")
    flags = parser.parse_args(arguments)
    folder, readme, scratch = places(README, is_trial=flags.limit is not None)
    where = provenance("train_memory", threads=flags.threads, packages=PACKAGES)
    for label in flags.sets:
        name, most = SETS[label]
        dataset = find_dataset(name)
        n_rows = flags.limit or most
        if n_rows is not None:
            train = write_part(dataset.train, scratch / f"{label}.csv", n_rows=n_rows)
            test = write_part(dataset.test, scratch / f"{label}-test.csv", n_rows=flags.limit or 10**9)
            dataset = Dataset(name, train, test)
        results = Results(folder / f"{label}.json", where)
        for key in (f"{tokens}/{contender}" for tokens in flags.batch_tokens for contender in flags.only):
            if not results.has(key):
                tokens, contender = key.split("/")
                how = {"batch_tokens": int(tokens), "threads": flags.threads}
                results.add(key, measured(contender, dataset, scratch, **how))
                print(label, key, json.dumps(results.whole["cells"][key]), flush=True)
    print(write_table(folder, readme))


if __name__ == "__main__":
    main()
