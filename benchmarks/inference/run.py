"""The same checkpoint on the same texts, answered by everyone in turns; writes results/DATASET.json round by round.

python -m benchmarks.inference.run [DATASET] [--only RUNNER …] [--sets short long] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.cells import Places, Results, places, put_table, read_results
from benchmarks.environment import environment_folder, make_environment, pinned_versions
from benchmarks.inference.compare import figures, markdown, verdicts
from benchmarks.inference.contest import Hall, contest, make, prepare, tuned
from benchmarks.inference.plot import TITLES, draw_all
from benchmarks.inference.runners import ANCHOR, RUNNERS, Runner
from benchmarks.inference.texts import SETS, parts_of
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import Rows, find_dataset
from benchmarks.training_choices.measure import packed

README = Path(__file__).resolve().with_name("README.md")
REQUIREMENTS = README.with_name("requirements.txt")
ENVIRONMENT = "inference"
DATASETS = ("banking77", "clinc150", "sst2_glue", "financial_phrasebank")
PACKAGES = ("tunesmith", "torch", "transformers", "tokenizers", "onnxruntime", "openvino", "numpy")
PEER_PACKAGES = ("ctranslate2", "model2vec", "nncf", "transformers")
N_MANY = {"short": 256, "long": 64}
"""Texts of a round."""
N_SINGLE = 20
"""Texts of a round that are asked one by one."""
_MUST_AGREE = ("machine", "threads", "versions", "peer_versions")
_OF_WHOLE = ("load_before", "libraries_mib", "memory_mib")


def measure(hall: Hall, results: Results, runners: Sequence[Runner], *, sets: Sequence[str], n_rounds: int) -> None:
    """Measure every cell that has not as many rounds as are asked for.

    Args:
        hall: Where.
        results: What is there.
        runners: Who.
        sets: Which texts.
        n_rounds: Of each cell.
    """
    rows = prepare(hall)
    for name in sets:
        missing = [runner for runner in runners if rounds_of(results, name, runner) < n_rounds]
        if missing:
            measure_set(hall, results, missing, name=name, rows=rows[name], n_rounds=n_rounds)


def measure_set(
    hall: Hall, results: Results, missing: Sequence[Runner], *, name: str, rows: Rows, n_rounds: int
) -> None:
    """Measure the cells of one set, the anchor beside them.

    Args:
        hall: Where.
        results: What is there.
        missing: Whose cells lack rounds.
        name: The set.
        rows: Its texts and labels.
        n_rounds: Of each cell.
    """
    beside = missing if any(runner.name == ANCHOR for runner in missing) else [*missing, RUNNERS[ANCHOR]]
    labels = json.loads((hall.checkpoint / "labels.json").read_text("utf-8"))
    lacking = max(n_rounds - rounds_of(results, name, runner) for runner in missing)
    known = {runner.name: results.whole["cells"].get(f"{name}/{runner.name}") for runner in beside}
    sizes, tunings = {}, {}
    for runner in beside:
        print(f"{name}: {runner.name} is made and tuned", flush=True)
        sizes[runner.name] = make(hall, runner)
        cell = known[runner.name]
        tunings[runner.name] = cell["batching"] if cell else tuned(hall, runner, name)
    turns = contest(hall, beside, name, n_rounds=lacking, tunings=tunings)
    first = next(turns)
    cells = {}
    for who in (runner.name for runner in missing):
        made: dict[str, Any] = {"batching": tunings[who], "size_mib": sizes[who], "most": hall.n_many[name]}
        cells[who] = known[who] or begun(first[who], rows, labels, **made)
    for number, turn in enumerate(turns, start=1):
        print(f"{name}: round {number}", flush=True)
        for who, cell in cells.items():
            if len(cell["rounds"]) < n_rounds:
                cell["rounds"].append({**turn[who], "anchor_s": turn[ANCHOR]["many_s"]})
                results.add(f"{name}/{who}", cell)


def rounds_of(results: Results, name: str, runner: Runner) -> int:
    """Count the rounds that a cell has.

    Args:
        results: What is there.
        name: The set.
        runner: Who.

    Returns:
        None is 0.
    """
    return len(results.whole["cells"].get(f"{name}/{runner.name}", {"rounds": ()})["rounds"])


def begun(
    whole: Mapping[str, Any],
    rows: Rows,
    labels: Sequence[str],
    *,
    batching: Mapping[str, Any],
    size_mib: float,
    most: int,
) -> dict[str, Any]:
    """Begin a cell with what a runner answered.

    Args:
        whole: What it told of the whole set.
        rows: The right labels.
        labels: Their names by number.
        batching: How texts are put together.
        size_mib: On the disk.
        most: Texts of a round.

    Returns:
        The cell, without a round.
    """
    right = np.array([labels[answer] == label for answer, label in zip(whole["answers"], rows.labels, strict=True)])
    return {
        "accuracy": round(float(right.mean()), 6),
        "rows": len(right),
        "right": packed(right),
        **{key: whole[key] for key in _OF_WHOLE},
        "size_mib": size_mib,
        "batching": dict(batching),
        "n_many": min(len(right), most),
        "rounds": [],
    }


def write_tables(folder: Path, readme: Path) -> str:
    """Put the tables of what has been measured into the text about it, and draw the plots.

    Args:
        folder: Holds the cells.
        readme: Has a place for the tables.

    Returns:
        The tables.
    """
    parts = []
    for dataset, whole in read_results(folder, DATASETS).items():
        for name in SETS:
            found = figures(whole, name)
            if found:
                parts += [f"{dataset}, {TITLES[name]}:", markdown(found), *verdicts(found)]
        versions = ", ".join(f"{package} {version}" for package, version in whole["peer_versions"].items())
        parts.append(f"{told(whole)} The peers' environment: {versions}.")
        draw_all(whole, folder)
    put_table(readme, "\n\n".join(parts))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, compare, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default=DATASETS[0], choices=DATASETS)
    parser.add_argument("--only", nargs="+", default=list(RUNNERS), choices=list(RUNNERS), metavar="RUNNER")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS, metavar="SET")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--limit", type=int, help="rows of each file at most: a trial, which writes to scratch/ only")
    flags = parser.parse_args(arguments)
    place = places(README, is_trial=flags.limit is not None)
    runners = [RUNNERS[name] for name in flags.only]
    hall = hall_of(flags, place, needs_peers=any(runner.apart or runner.made_apart for runner in runners))
    origin = provenance("inference", threads=flags.threads, packages=PACKAGES)
    peers = {"peer_versions": pinned_versions(REQUIREMENTS, PEER_PACKAGES)}
    whole = {"dataset": flags.dataset, **origin, **peers}
    results = Results(place.folder / f"{flags.dataset}.json", whole, must_agree=_MUST_AGREE)
    measure(hall, results, runners, sets=flags.sets, n_rounds=flags.rounds)
    print(write_tables(place.folder, place.readme))


def hall_of(flags: argparse.Namespace, place: Places, *, needs_peers: bool) -> Hall:
    """Make the place of a contest.

    Args:
        flags: Data set, threads, rows of a trial.
        place: Where it may write to.
        needs_peers: Whether the environment of the peers is used.

    Returns:
        The place; of a trial one that was not there before.
    """
    is_trial = flags.limit is not None
    scratch = place.scratch / (f"trial-{flags.dataset}" if is_trial else flags.dataset)
    if is_trial:
        shutil.rmtree(scratch, ignore_errors=True)
        (place.folder / f"{flags.dataset}.json").unlink(missing_ok=True)
    scratch.mkdir(exist_ok=True)
    return Hall(
        scratch=scratch,
        dataset=parts_of(find_dataset(flags.dataset), scratch, n_rows=flags.limit),
        threads=flags.threads,
        peers_python=make_environment(environment_folder(ENVIRONMENT), REQUIREMENTS) if needs_peers else Path(),
        n_many={"short": 32, "long": 8} if is_trial else N_MANY,
        n_single=4 if is_trial else N_SINGLE,
    )


if __name__ == "__main__":
    main()
