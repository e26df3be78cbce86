"""Which train rows a frozen encoder learns from where there is no time to read them all.

Reading a row costs it a third of what a pass of training costs, and so a large file can leave the time for neither. A
head needs fewer rows than an encoder does: it has a weight for each feature and label alone, and fine-tuning moves on
from it anyway.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tunesmith.ladder.fitting import SHARE_OF_WHAT_IS_LEFT, least_seconds
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.flops import forward_flops

_FEWEST_ROWS = 4096
"""Fewer are never asked to stand for more."""
_OF_EACH_LABEL = 16
"""Rows of a label that are read before others are drawn: without any, a head would never answer it."""
_SHARE = 0.25
"""Of the time that is left, where the encoder can be trained in what remains."""
_EXPECTED_SHARE_OF_MATMUL_RATE = 0.7
_HEADS = 1.3
"""Encoding and solving, in seconds of encoding."""
_START_S = 2.0


def encoding_s(ground: Ground, n_train: int) -> float:
    """Foresee the seconds of encoding train and validation rows and solving heads on them.

    Args:
        ground: Rows, base model and rate.
        n_train: Train rows that are read, as ``part`` draws them.

    Returns:
        Seconds.
    """
    rows = np.concatenate([part(ground, n_train), ground.data.split.validation])
    flops = forward_flops(ground.encoded.config, ground.encoded.tokens.select(rows).lengths())
    return _START_S + _HEADS * flops / (_EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops * 1e9)


def fewest(ground: Ground) -> int:
    """Say how many train rows are worth a start.

    Args:
        ground: The rows.

    Returns:
        All of them, where they are no more than a few thousand.
    """
    return min(_FEWEST_ROWS, len(ground.data.split.train))


def part(ground: Ground, n_train: int) -> NDArray[np.int64]:
    """Draw train rows: some of each label first, then whatever comes.

    Args:
        ground: Rows and seed.
        n_train: How many.

    Returns:
        The rows, ascending; a larger draw holds every smaller one.
    """
    train = ground.data.split.train
    if n_train >= len(train):
        return train
    rows = np.random.Generator(np.random.PCG64(ground.seed)).permutation(train)
    strata = ground.data.strata[rows]
    by_label = np.argsort(strata, kind="stable")
    ordered = strata[by_label]
    place_in_label = np.empty(len(rows), dtype=np.int64)
    place_in_label[by_label] = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
    return np.sort(rows[np.argsort(place_in_label >= _OF_EACH_LABEL, kind="stable")][:n_train])


def choose_part(site: Site, rung: str, *, reserve_s: float) -> NDArray[np.int64]:
    """Decide which train rows are read, and tell it where they are not all.

    Args:
        site: The climb.
        rung: The one that asks.
        reserve_s: Seconds of what comes after the rung.

    Returns:
        The rows, ascending.
    """
    n_all = len(site.data.split.train)

    def measured() -> int:
        left = site.clock.left()
        if math.isinf(left):
            return n_all
        room = SHARE_OF_WHAT_IS_LEFT * left - reserve_s
        if _is_trained_later(site) and least_seconds(site) <= (1.0 - _SHARE) * left:
            room = _SHARE * left
        return _most_within(site, room)

    key = f"{rung}.rows"
    decides = n_all > _FEWEST_ROWS and (site.plan.announces(key) or not site.plan.following)  # earlier plans do not
    n_train = int(site.plan.decide(key, measured)) if decides else n_all
    if n_train < n_all:
        site.narrator.say(
            f"{rung}: reads {n_train:,} of {n_all:,} train rows; all of them would take too much of the budget"
        )
    return part(site, n_train)


def _most_within(ground: Ground, room_s: float) -> int:
    """Find the most train rows that are read and solved on in so many seconds, by halving."""
    low, high = fewest(ground), len(ground.data.split.train)
    if encoding_s(ground, high) <= room_s:
        return high
    while high - low > _FEWEST_ROWS // 8:
        middle = (low + high) // 2
        low, high = (middle, high) if encoding_s(ground, middle) <= room_s else (low, middle)
    return low


def _is_trained_later(ground: Ground) -> bool:
    """Tell whether a rung is asked for that trains the encoder."""
    ladder = ground.recipe.ladder
    return ladder.climbs_all or "finetune" in ladder.rungs
