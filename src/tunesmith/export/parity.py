"""Comparing an export with its bundle: the peer's own runtime reads the files again and answers the same texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds.encoder import EncoderPredictor
from tunesmith.data.prepare import prepare_text
from tunesmith.data.tokenize import tokenize
from tunesmith.errors import ArtifactError
from tunesmith.evaluate.calibration import softmax
from tunesmith.export.source import Model
from tunesmith.export.targets import Answers, Peer
from tunesmith.runtimes.torch import encode
from tunesmith.types import JSON


@dataclass(frozen=True)
class Expected:
    """What the bundle says of some texts.

    ``logits`` calibrated, ``[B, C]``; ``n_windows`` ``[B]``; ``vectors`` ``[B, H]``, the features that the head sees,
    None where nobody asked.
    """

    logits: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    vectors: NDArray[np.float32] | None


def expected_of(model: Model, texts: Sequence[str], *, with_vectors: bool = False) -> Expected:
    """Let the bundle answer, by its own engine and its own way to prepare a text.

    Args:
        model: From the bundle.
        texts: As the user wrote them.
        with_vectors: Compute the features too, which takes as long again.

    Returns:
        Its answers.
    """
    prepared = [prepare_text(text, model.form) for text in texts]
    outputs = EncoderPredictor(model.encoder).outputs(prepared)
    assert outputs.n_windows is not None, "an encoder reads windows"
    tokens = tokenize(prepared, model.encoder.tokenizer, max_seq_length=model.encoder.max_seq_length)
    return Expected(
        logits=outputs.logits.astype(np.float64) / model.temperature,
        n_windows=np.asarray(outputs.n_windows, dtype=np.int64),
        vectors=encode(model.encoder.classifier, tokens) if with_vectors else None,
    )


def in_our_order(answers: Answers, labels: Sequence[str], *, where: str) -> Answers:
    """Bring the columns of a peer's answers into the order of the bundle's labels.

    Args:
        answers: With the peer's names of its columns.
        labels: The bundle's.
        where: The export, for messages.

    Returns:
        The same answers in the order of ``labels``.

    Raises:
        ArtifactError: ``export-differs``: the labels are not the same.
    """
    if sorted(answers.labels) != sorted(labels):
        strange = sorted(set(answers.labels) ^ set(labels))
        raise _differs(
            where,
            found=f"{len(answers.labels)} labels, {len(labels)} in the bundle; not in both: {', '.join(strange[:3])}",
            allowed="the same labels",
        )
    place = {label: column for column, label in enumerate(answers.labels)}
    columns = [place[label] for label in labels]
    logits, shares = answers.logits, answers.probabilities
    return Answers(
        labels=tuple(labels),
        logits=None if logits is None else logits[:, columns],
        probabilities=None if shares is None else shares[:, columns],
        vectors=answers.vectors,
    )


def differences(expected: Expected, found: Answers, rows: NDArray[np.int64]) -> dict[str, JSON]:
    """Measure how far a peer's answers are from the bundle's.

    Args:
        expected: The bundle's.
        found: The peer's, columns in the same order.
        rows: The texts to look at.

    Returns:
        ``rows``, ``agreement`` (share of texts with the same label), and the largest absolute difference of
        ``logits``, ``probabilities`` and ``vectors``; None for what the peer does not give.
    """
    wanted = {"logits": expected.logits, "probabilities": softmax(expected.logits), "vectors": expected.vectors}
    given = {"logits": found.logits, "probabilities": found.probabilities, "vectors": found.vectors}
    told: dict[str, JSON] = {"rows": len(rows), "agreement": _agreement(expected, found, rows)}
    for name, values in wanted.items():
        answer = given[name]
        told[name] = None
        if values is not None and answer is not None and len(rows):
            told[name] = float(np.abs(answer[rows] - values[rows]).max())
    return told


def divergence(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Measure how far probabilities are apart.

    Args:
        expected: The bundle's logits, ``[B, C]``.
        found: Another's, ``[B, C]``.

    Returns:
        The mean Kullback-Leibler divergence from the bundle's, in nats.

    Example:
        >>> divergence(np.log([[0.5, 0.5]]), np.log([[0.5, 0.5]]))
        0.0
    """
    shares, others = softmax(expected), softmax(found)
    tiny = np.finfo(np.float64).tiny
    return float((shares * np.log(np.maximum(shares, tiny) / np.maximum(others, tiny))).sum(axis=1).mean())


def refuse_difference(
    told: Mapping[str, JSON], tolerance: Mapping[str, float], expected: Expected, *, where: str
) -> None:
    """Refuse an export that answers otherwise than its bundle.

    Args:
        told: By ``differences``.
        tolerance: Largest difference of each kind; of logits, as a share of the largest one where that is above 1.
        expected: The bundle's answers.
        where: The export, for messages.

    Raises:
        ArtifactError: ``export-differs``, with the first figure that is too large or is no number.
    """
    for name, allowed in tolerance.items():
        scale = max(1.0, float(np.abs(expected.logits).max())) if name == "logits" else 1.0
        if not (told[name] is not None and told[name] <= allowed * scale):
            raise _differs(
                where,
                found=f"largest difference of {name} {_told(told[name])} over {told['rows']} texts, the same label for "
                f"{100 * told['agreement']:.1f} %",
                allowed=f"{allowed * scale:.1e}",
            )


def _told(figure: JSON) -> str:
    return "none" if figure is None else f"{figure:.2e}"


def _agreement(expected: Expected, found: Answers, rows: NDArray[np.int64]) -> float | None:
    if not len(rows):
        return None
    return float((found.as_logits()[rows].argmax(axis=1) == expected.logits[rows].argmax(axis=1)).mean())


def _differs(where: str, *, found: str, allowed: str) -> ArtifactError:
    return ArtifactError(
        "export-differs",
        "what was exported answers otherwise than the model; nothing was written",
        where=where,
        found=found,
        allowed=allowed,
        advice="please report this with the versions that 'tunesmith doctor' prints",
    )


def peer_answers(peer: Peer, model: Model, texts: Sequence[str], *, where: str) -> Answers:
    """Ask a peer, and bring its columns into our order.

    Args:
        peer: The export, loaded by its own runtime.
        model: The exported one.
        texts: As the user wrote them.
        where: The export, for messages.

    Returns:
        Its answers; of a peer that gives vectors alone, with the logits of our head.

    Raises:
        ArtifactError: ``export-differs``: its labels are others.
    """
    found = peer.answers(texts)
    if found.vectors is None:
        return in_our_order(found, model.labels, where=where)
    weight, bias = model.head
    return replace(found, labels=model.labels, logits=(found.vectors @ weight.T + bias).astype(np.float32))
