"""Exporting: written beside its place, loaded again by the peer's own runtime, compared, and only then put there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from tunesmith.bundle.load import Bundle
from tunesmith.errors import ConfigError, GateError, counted, plural
from tunesmith.evaluate.score_metrics import correlation
from tunesmith.export.card import measured_lines
from tunesmith.export.parity import Said, differences, divergence, expected_of, found_of, refuse_difference
from tunesmith.export.place import PARITY, Place
from tunesmith.export.source import Model, model_of
from tunesmith.export.targets import TARGETS, Peer
from tunesmith.export.trial import Given, Trial, trial_of
from tunesmith.files.atomic import fsync_folder, write_error, write_json, write_text
from tunesmith.files.exchange import exchange_folders
from tunesmith.types import JSON

_MOST_DIVERGENCE = 0.1
"""Nats from our probabilities to those of an export that is fitted, in the mean: it is to say how sure it is, too."""

_READS = {"apart": "reads each text of a pair by itself", "joined": "reads both texts in one sequence"}

Told = Callable[[str], None]


def export_bundle(
    bundle: Bundle, target: str, place: Place, *, given: Given, max_loss: float, seed: int, told: Told
) -> dict[str, JSON]:
    """Write a bundle as somebody else's format.

    Args:
        bundle: Verified.
        target: Name of a member of ``TARGETS``.
        place: The folder to write; what may be replaced there stays until the export is whole and compared.
        given: Rows to compare, to fit and to measure on.
        max_loss: Points of accuracy or agreement that an export which is not exact may lose.
        seed: Of the draw of rows held out.
        told: Told what is done.

    Returns:
        The content of ``parity.json``.

    Raises:
        ConfigError: The model cannot be exported so; a package is missing; something is at the place.
        ArtifactError: ``export-differs``: the export answers otherwise than the bundle.
        GateError: ``export-loses``: it loses more than ``max_loss``.
        ResourceError: The disk is full or refuses the write.
    """
    member = TARGETS.member(target)
    refuse_missing(member.NEEDS, target)
    place.restore()
    place.refuse_taken()
    model = model_of(bundle)
    _refuse_pairs(model, target, bundle.folder)
    _refuse_added(model, target, bundle.folder)
    trial = trial_of(given, model, max_loss=max_loss, seed=seed, told=told)
    out, partial = place.folder, place.partial
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        found = _write(partial, member, model, trial=trial, told=told)
        found = {"target": target, "bundle": bundle.manifest_sha256, **found}
        write_json(partial / PARITY, found)
        _sync(partial)
        bundle.refuse_replaced()
        place.refuse_taken()  # minutes have gone by
        exchange_folders(partial, out)
    except OSError as error:
        raise write_error(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return found


def refuse_missing(packages: tuple[str, ...], target: str) -> None:
    """Make sure that the packages of a target are installed.

    Args:
        packages: As they are imported.
        target: Who needs them.

    Raises:
        ConfigError: ``package-missing``.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "package-missing",
            f"the export to {target} needs packages that are not installed",
            found=f"missing: {', '.join(missing)}",
            allowed=", ".join(packages),
            advice="pip install 'tunesmith[export]'",
        )


def _refuse_pairs(model: Model, target: str, folder: Path) -> None:
    """Refuse a model of pairs where the target holds none that reads them so."""
    if model.pairs is None or model.pairs in TARGETS.member(target).PAIRS:
        return
    (other,) = _READS.keys() - {model.pairs}
    able = [name for name in TARGETS.names() if model.pairs in TARGETS.member(name).PAIRS]
    raise ConfigError(
        "pairs-not-exportable",
        f"a model that {_READS[model.pairs]} cannot be exported to {target}, where one {_READS[other]}",
        where=str(folder),
        found=f"base.pairs = {model.pairs}",
        allowed=", ".join(able),
        advice=f"--to onnx is exact; or train again with --set base.pairs={other}",
    )


def _refuse_added(model: Model, target: str, folder: Path) -> None:
    """Refuse an encoder with modules of its own where the target holds none that has such."""
    if model.encoder.method is None or TARGETS.member(target).ADDED:
        return
    raise ConfigError(
        "adapter-not-exportable",
        f"what the method {model.encoder.method.name} has put into the encoder has no place in {target}",
        where=str(folder),
        found="modules between the encoder's own, which no weights can stand for",
        allowed=", ".join(name for name in TARGETS.names() if TARGETS.member(name).ADDED),
        advice="--to onnx is exact; or train again with --method lora, whose products become part of the weights",
    )


def _write(folder: Path, member: ModuleType, model: Model, *, trial: Trial, told: Told) -> dict[str, JSON]:
    """Write the export and hold what its peer says to what the model says."""
    told("writing the export")
    made = member.write(folder, model, trial)
    told(f"comparing {counted(len(trial.texts), 'text')}")
    peer: Peer = member.load(folder)
    where = f"the export to {member.__name__.rpartition('.')[2]}"
    expected = expected_of(model, trial.texts, with_vectors="vectors" in made.tolerance)
    found = found_of(peer, model, trial.texts, labels=made.labels, where=where)
    is_whole = expected.is_whole | (not member.CUTS)
    whole = differences(model, expected.said, found, rows=np.flatnonzero(is_whole))
    refuse_difference(whole, made.tolerance, model, expected=expected.said, where=where)
    cut = None if is_whole.all() else differences(model, expected.said, found, rows=np.flatnonzero(~is_whole))
    counts = np.bincount(expected.n_windows)
    figures: dict[str, JSON] = {
        "runtime": peer.runtime,
        "texts": trial.given.name,
        "windows": {str(number): int(count) for number, count in enumerate(counts) if count},
        "tolerance": {name: most for name, most in made.tolerance.items() if name not in model.unanswered},
        "whole": whole,
        "cut": cut,
        "loss": _loss(peer, model, trial, labels=made.labels, where=where) if made.gated else None,
        "notes": dict(made.notes),
        "versions": {name: version(name) for name in ("tunesmith", "torch", "transformers", "tokenizers")},
    }
    write_text(folder / "README.md", made.card + measured_lines(figures, model.score))
    return figures


def _loss(peer: Peer, model: Model, trial: Trial, *, labels: tuple[str, ...], where: str) -> dict[str, JSON]:
    """Measure what an export loses on rows held out, and refuse too much."""
    texts = trial.of(trial.held)
    ours = expected_of(model, texts)
    expected, found = ours.said, found_of(peer, model, texts, labels=labels, where=where)
    targets = None if trial.given.targets is None else trial.given.targets[trial.held]
    name, lost = "agreement", 1.0 - _agreement(expected, found)
    if targets is not None:
        name, calibrated = model.task.objectives[0], replace(model.calibration, temperature=1.0)
        lost = -model.task.gain(
            name,
            model.standard(expected.logits),
            model.standard(found.logits),
            targets=targets,
            level=0.95,
            seed=trial.seed,
            calibrations=(calibrated, calibrated),
        ).interval.value
    points, apart = 100.0 * lost, divergence(model, expected, found)
    if not (points <= trial.max_loss and apart <= _MOST_DIVERGENCE):
        raise GateError(
            "export-loses",
            "the export loses more than is allowed; nothing was written",
            where=where,
            found=f"{points:.2f} points of {name} and {apart:.3f} nats on {counted(len(texts), 'row')} held out "
            f"({trial.given.name}), {int((~ours.is_whole).sum())} of which are longer than is read there",
            allowed=f"{trial.max_loss:g} {plural(trial.max_loss, 'point')} (--max-loss) and {_MOST_DIVERGENCE:g} nats",
            advice="--to onnx is exact and reads longer texts whole; or give more rows to teach on with --data FILE, "
            "or allow more with --max-loss",
        )
    return {"of": name, "points": points, "divergence": apart, "rows": len(texts), "allowed": trial.max_loss}


def _agreement(expected: Said, found: Said) -> float:
    """Share of rows with the same answer, or how far numbers rise and fall together."""
    if expected.answers is None or found.answers is None:
        return correlation("pearson", expected.logits[:, 0], found.logits[:, 0])
    return float(np.mean([one == other for one, other in zip(expected.answers, found.answers, strict=True)]))


def _sync(folder: Path) -> None:
    """Put every file on the disk before the folder takes its place."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            fsync_folder(path)
    fsync_folder(folder)
