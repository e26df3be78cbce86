"""In which precision texts pass through the frozen encoder: whole numbers of 8 bits where that pays, else float32.

It pays where this machine is faster with them, by more than the trial costs, and where the features stay where they
were. Both are measured, on rows of the run. Features are vectors of unit length that may all point about one way, so
that their cosine says little: what counts is how far they move beside how far texts lie apart.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunesmith.ladder.site import Site
from tunesmith.models.encoder import Encoder
from tunesmith.types import JSON

Precision = Literal["fp32", "int8"]
Asked = Literal["auto", "fp32", "int8"]

_SEEN_TOKENS = 1024
"""That ranges are seen on; 16 times as many change the agreement by less than a thousandth."""

_TRIED_TOKENS, _N_PARTS = 512, 3
"""Of a part of the trial, and how many there are: the middle one tells the speed."""

_WORTH_A_TRIAL = 65_536
"""Tokens to encode from which a trial pays: it takes the time of some 4,000, whole numbers save that of a third; and
below, all are encoded in a few seconds."""

_LEAST_SPEED = 1.15

_LEAST_AGREEMENT = 0.98
"""Noise of 2 % of what texts lie apart costs a head nothing that the test rows of banking77, phrasebank and sst2 prove;
10 % cost banking77 0.4 points (0.1 to 0.8), and phrasebank 0.005 of its log loss (0.000 to 0.010). Whole numbers move
the features of MiniLM by 0.4 to 1 %."""


def choose_precision(site: Site, asked: Asked, *, rung: str, poolings: Sequence[str]) -> Precision:
    """Decide in which precision the rows to choose by are encoded, and tell it.

    Args:
        site: The climb.
        asked: As the recipe has it.
        rung: The one that asks.
        poolings: What it makes of a text's tokens.

    Returns:
        The precision; float32 where the encoder is none of the flat engine, or is not on the CPU.
    """
    encoded = site.encoded
    runs_rounded = encoded.config.is_flat and site.device == "cpu"
    if asked == "int8" and not runs_rounded:
        what = encoded.config.model_type if site.device == "cpu" else site.device
        site.narrator.say(f"{rung}: features in fp32; {what} does not run in whole numbers of 8 bits")
    if asked == "fp32" or not runs_rounded:
        return "fp32"
    if asked == "int8":
        return "int8"
    rows = site.data.rows_to_choose()
    if int(encoded.tokens.n_tokens[rows].sum()) < _WORTH_A_TRIAL:
        return "fp32"
    found = site.plan.decide(f"{rung}.features", lambda: _trial(site, poolings))
    precision: Precision = "int8" if found["precision"] == "int8" else "fp32"
    site.narrator.say(
        f"{rung}: features in {precision}; in whole numbers of 8 bits texts are encoded {found['speed']:.1f} times as "
        f"fast, and features agree to {100 * found['agreement']:.1f} %"
    )
    return precision


def precision_facts(precision: Precision) -> dict[str, JSON]:
    """Give the precision as a fact of a landing.

    Args:
        precision: Of its features.

    Returns:
        ``{"features"}`` where it is not float32.
    """
    return {} if precision == "fp32" else {"features": precision}


def precision_of(facts: Mapping[str, JSON]) -> Precision:
    """Read the precision back.

    Args:
        facts: Of a landing.

    Returns:
        The precision of its features.
    """
    return "int8" if facts.get("features") == "int8" else "fp32"


def seen_in(precision: Precision) -> str:
    """Say what figures were measured on, where it is not what the model itself computes.

    Args:
        precision: Of the features.

    Returns:
        The end of a phrase.
    """
    return "" if precision == "fp32" else ", encoded in whole numbers of 8 bits"


def _trial(site: Site, poolings: Sequence[str]) -> JSON:
    """Encode the same few rows in either precision, timed by the processor's clock, which no neighbour stops."""
    speeds, exact, found = [], [], []
    rounded = rounded_encoder(site)
    parts = [site.encoded.tokens.select(rows) for rows in _drawn(site)[1:]]
    site.encoded.encode(parts[0].select(np.arange(1)), poolings, rounded=rounded)  # packs its weights
    for tokens in parts:
        started = time.process_time()
        exact.append(site.encoded.encode(tokens, poolings))
        between = time.process_time()
        found.append(site.encoded.encode(tokens, poolings, rounded=rounded))
        speeds.append((between - started) / max(time.process_time() - between, 1e-6))
    agreements = [
        agreement(*(np.concatenate([part[name] for part in parts]) for parts in (exact, found))) for name in poolings
    ]
    speed, least = statistics.median(speeds), min(agreements)
    pays = speed >= _LEAST_SPEED and least >= _LEAST_AGREEMENT
    return {
        "precision": "int8" if pays else "fp32",
        "speed": round(speed, 2),
        "agreement": round(least, 4),
    }


def agreement(exact: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Tell how far features have stayed where they were, beside how far they lie apart.

    Args:
        exact: As they should be, ``[..., H]``.
        found: Of the same texts.

    Returns:
        1 where they are the same; 0 where they have moved as far as texts lie from their mean.

    Example:
        >>> agreement(np.array([[1.0], [3.0]], np.float32), np.array([[1.0], [3.5]], np.float32))
        0.875
    """
    flat = exact.reshape(-1, exact.shape[-1]).astype(np.float64)
    moved = np.square(found.reshape(flat.shape) - flat).sum()
    spread = np.square(flat - flat.mean(axis=0)).sum()
    return float(1.0 - moved / max(spread, 1e-12))


def rounded_encoder(site: Site) -> Encoder:
    """Give the base's encoder in whole numbers of 8 bits; every life of a run makes the same one.

    Args:
        site: The climb; the encoder is of the flat engine.

    Returns:
        The encoder, its ranges seen on a few of the rows to choose by.
    """
    return site.encoded.rounded(_drawn(site)[0])


def _drawn(site: Site) -> list[NDArray[np.int64]]:
    """Draw rows that ranges are seen on, and after them those of each part of the trial."""
    rows = np.random.Generator(np.random.PCG64(site.seed)).permutation(site.data.rows_to_choose())
    running = site.encoded.tokens.n_tokens[rows].cumsum(dtype=np.int64)
    ends = np.searchsorted(running, _SEEN_TOKENS + _TRIED_TOKENS * np.arange(_N_PARTS + 1)) + 1
    return [np.sort(part) for part in np.split(rows, ends)[:-1]]
