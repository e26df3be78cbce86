"""Comparing an export with its bundle: the peer's own runtime reads the files again and answers the same texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tunesmith.data.prepare import prepare_input
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError, counted
from tunesmith.export.source import Model
from tunesmith.export.targets import Answers, Peer
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.runtimes.torch import pooled
from tunesmith.types import JSON, Text

_LEAST = 1e-45
"""The smallest float32 above 0: a peer that rounds a probability to 0 has said no more than that."""


@dataclass(frozen=True)
class Said:
    """What a model says of B rows.

    ``logits`` calibrated, ``[B, C]``, or numbers in the unit of the file, ``[B, 1]``; ``probabilities`` one a label,
    None where answers are numbers; ``vectors`` ``[texts, H]``, what the head sees of each text, None where nobody
    asked.
    """

    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    answers: tuple[JSON, ...] | None
    """The label of each row, or its labels; None where answers are numbers."""
    vectors: NDArray[np.float32] | None = None
    has_logits: bool = True
    """Whether the logits are its own, not made of its probabilities, where a tiny one rounds to a large difference."""


@dataclass(frozen=True)
class Expected:
    """What the bundle says of some rows, and how many windows it read for each, ``[B]``."""

    said: Said
    n_windows: NDArray[np.int64]
    is_whole: NDArray[np.bool_]
    """Whether every text of a row is read in one window, ``[B]``."""


def expected_of(model: Model, texts: Sequence[Text], *, with_vectors: bool = False) -> Expected:
    """Let the bundle answer, by its own engine and its own way to prepare a text.

    Args:
        model: From the bundle.
        texts: As the user wrote them; pairs where the model reads those.
        with_vectors: Compute the vectors too, which takes as long again.

    Returns:
        Its answers.
    """
    prepared = [prepare_input(text, model.form) for text in texts]
    tokens = model.encoder.tokens(prepared)
    logits = logits_of(model.encoder.classifier, tokens)
    told = model.task.answers(logits, model.coding, model.calibration, everything=True)
    coding = model.coding
    return Expected(
        Said(
            logits=coding.mean + coding.spread / model.calibration.temperature * logits.astype(np.float64),
            probabilities=_probabilities(told),
            answers=_answers(told),
            vectors=_vectors(model, tokens) if with_vectors else None,
        ),
        n_windows=tokens.n_windows(),
        is_whole=tokens.n_windows() == tokens.n_sides,
    )


def found_of(peer: Peer, model: Model, texts: Sequence[Text], *, labels: Sequence[str], where: str) -> Said:
    """Ask a peer.

    Args:
        peer: The export, loaded by its own runtime.
        model: The exported one.
        texts: As the user wrote them; pairs where the model reads those.
        labels: As the peer should name its answers.
        where: The export, for messages.

    Returns:
        What it says; of a peer that gives vectors alone, with the answers of our head.

    Raises:
        ArtifactError: ``export-differs``: its labels are others, or in another order.
    """
    found = peer.answers(texts)
    if found.labels != tuple(labels):
        strange = sorted(set(found.labels) ^ set(labels)) or ["none, but the order is another"]
        raise _differs(
            where,
            found=f"{counted(len(found.labels), 'label')}, {len(labels)} in the bundle; "
            f"not in both: {', '.join(strange[:3])}",
            allowed="the same labels in the same order",
        )
    logits = _logits(model, found)
    told = model.answers(logits)
    shares = found.probabilities if found.logits is not None else None
    return Said(
        logits=logits,
        probabilities=_probabilities(told) if shares is None else shares.astype(np.float64),
        answers=_answers(told),
        vectors=found.vectors,
        has_logits=found.probabilities is None or found.logits is not None,
    )


def differences(model: Model, expected: Said, found: Said, *, rows: NDArray[np.int64]) -> dict[str, JSON]:
    """Measure how far a peer's answers are from the bundle's.

    Args:
        model: Says whether answers are numbers, and whether rows are pairs.
        expected: The bundle's.
        found: The peer's.
        rows: The rows to look at.

    Returns:
        ``rows``, ``agreement`` (share of rows with the same answer, None where answers are numbers), and the largest
        absolute difference of ``logits`` or ``values``, ``probabilities`` and ``vectors``; None for what is not there.
    """
    agreement = None
    if len(rows) and expected.answers is not None and found.answers is not None:
        agreement = float(np.mean([expected.answers[row] == found.answers[row] for row in rows]))
    gap = _gap(expected.logits, found.logits, rows)
    texts = (2 * rows[:, None] + np.arange(2)).reshape(-1) if model.pairs == "apart" else rows
    return {
        "rows": len(rows),
        "agreement": agreement,
        "logits": gap if model.labels and found.has_logits else None,
        "values": None if model.labels else gap,
        "probabilities": _gap(expected.probabilities, found.probabilities, rows),
        "vectors": _gap(expected.vectors, found.vectors, texts),
    }


def divergence(model: Model, expected: Said, found: Said) -> float:
    """Measure how far what a peer says of targets is from what the bundle says.

    Args:
        model: Says of what likelihood its outputs are.
        expected: The bundle's answers.
        found: The peer's.

    Returns:
        The mean Kullback-Leibler divergence of a row from the bundle's, in nats.
    """
    ours, theirs = (torch.from_numpy(model.standard(said.logits)).double() for said in (expected, found))
    return float(model.likelihood.divergence(ours, theirs).mean())


def refuse_difference(
    told: Mapping[str, JSON], tolerance: Mapping[str, float], model: Model, *, expected: Said, where: str
) -> None:
    """Refuse an export that answers otherwise than its bundle.

    Args:
        told: By ``differences``.
        tolerance: Largest difference of each kind; of logits, as a share of the largest one where that is above 1, and
            of numbers as a share of their spread.
        model: Says which of them it answers: logits and probabilities, or numbers.
        expected: The bundle's answers.
        where: The export, for messages.

    Raises:
        ArtifactError: ``export-differs``, with the first figure that is too large or is no number.
    """
    scales = {"logits": max(1.0, float(np.abs(expected.logits).max())), "values": model.coding.spread}
    for name in sorted(tolerance.keys() - model.unanswered):
        allowed = tolerance[name] * scales.get(name, 1.0)
        if not (told[name] is not None and told[name] <= allowed):
            same = "" if told["agreement"] is None else f", the same answer for {100 * told['agreement']:.1f} %"
            raise _differs(
                where,
                found=f"largest difference of {name} {_told(told[name])} over {counted(told['rows'], 'text')}{same}",
                allowed=f"{allowed:.1e}",
            )


def _vectors(model: Model, tokens: TokenSet) -> NDArray[np.float32]:
    """What the head sees of each text, ``[texts, H]``."""
    vectors = pooled(model.encoder.classifier, tokens)
    scaled: NDArray[np.float32] = functional.normalize(torch.from_numpy(vectors), dim=1).numpy()
    return scaled if model.encoder.unit_length else vectors


def _logits(model: Model, found: Answers) -> NDArray[np.float64]:
    """What a peer gives, as logits, or as numbers where the model answers those."""
    if found.vectors is not None:
        weight, bias = model.head
        with torch.inference_mode():
            features = model.encoder.classifier.combined(torch.from_numpy(found.vectors))
        return features.double().numpy() @ weight.T + bias
    if found.logits is not None:
        return found.logits.astype(np.float64)
    assert found.probabilities is not None, "a peer gives vectors, logits or probabilities"
    shares = found.probabilities.astype(np.float64)
    match model.task.likelihood:
        case "squared_error":
            return shares
        case "softmax":
            return np.log(np.maximum(shares, _LEAST))
        case _:
            return np.log(np.maximum(shares, _LEAST)) - np.log(np.maximum(1.0 - shares, _LEAST))


def _probabilities(told: Sequence[Mapping[str, JSON]]) -> NDArray[np.float64] | None:
    if not told or "probabilities" not in told[0]:
        return None
    return np.array([list(answer["probabilities"].values()) for answer in told])


def _answers(told: Sequence[Mapping[str, JSON]]) -> tuple[JSON, ...] | None:
    if not told or "value" in told[0]:
        return None
    return tuple(
        answer["label"] if "label" in answer else sorted(each["label"] for each in answer["labels"]) for answer in told
    )


def _gap(
    ours: NDArray[np.floating] | None, theirs: NDArray[np.floating] | None, rows: NDArray[np.int64]
) -> float | None:
    """The largest absolute difference in some rows."""
    if ours is None or theirs is None or not len(rows):
        return None
    return float(np.abs(theirs[rows] - ours[rows]).max())


def _told(figure: JSON) -> str:
    return "none" if figure is None else f"{figure:.2e}"


def _differs(where: str, *, found: str, allowed: str) -> ArtifactError:
    return ArtifactError(
        "export-differs",
        "what was exported answers otherwise than the model; nothing was written",
        where=where,
        found=found,
        allowed=allowed,
        advice="please report this with the versions that 'tunesmith doctor' prints",
    )
