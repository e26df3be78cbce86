"""What runs a rounded model: those runtimes that are here answer the same rows for about two seconds.

All of them run the same weights, so what is chosen is the speed on this machine, and nothing else. A runtime whose
vectors are further from those of our own engine than roundings can move them is never chosen: it reads padding, say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np
import torch

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds.runtime import open_engine
from tunesmith.bundle.schema import RuntimeFacts
from tunesmith.compress.source import Floats, Parent, Work
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import GateError
from tunesmith.runtimes.engines import ENGINES, Engine, missing_packages
from tunesmith.runtimes.torch import pooled
from tunesmith.types import Text

AUTO, OURS = "auto", "flat"

_PROBE_S = 2.0
_MOST_ROUNDS = 7
_MANY_TOKENS, _N_SINGLE = 2_048, 8
"""Of a round: as many tokens as a pass takes, and so many texts one by one."""
_COMPARED = 96
_MOST_APART = 2.0
"""How far a runtime may be from our own engine, in distances from that to the model before it was rounded."""
_NOISE = 1e-3
"""How far it always may be: sums in another order, in shares of a vector's length."""


@dataclass(frozen=True)
class _Candidate:
    """A runtime that is here, ready to run."""

    runtime: RuntimeFacts
    engine: Engine
    many: list[float] = field(default_factory=list)
    """Texts a second of many at once, a round each."""
    single: list[float] = field(default_factory=list)
    """The same one by one."""

    @property
    def words(self) -> str:
        """Name it."""
        return f"{self.runtime.name} ({self.runtime.precision})"

    @property
    def told(self) -> str:
        """Say how fast it is."""
        return f"{self.words}: {median(self.many):,.0f} texts a second, {median(self.single):,.0f} one by one"

    @property
    def speed(self) -> float:
        """Of both ways of asking alike."""
        return float(np.sqrt(median(self.many) * median(self.single)))


def chosen_runtime(
    parent: Parent, model: EncoderModel, texts: Sequence[Text], *, asked: str, work: Work
) -> tuple[EncoderModel, tuple[str, ...]]:
    """Choose what runs a model.

    Args:
        parent: The model before it was rounded.
        model: Rounded.
        texts: Rows that were fitted on.
        asked: Name of a runtime, or ``auto``.
        work: Who is told.

    Returns:
        The model, which says what runs it, and what was found, a sentence each.

    Raises:
        ConfigError: ``package-missing`` of a runtime that was asked for by name.
        GateError: ``runtime-differs`` of a runtime that was asked for by name.
    """
    names = [name for name in ENGINES.names() if name == asked or (asked == AUTO and _is_tried(name))]
    runtimes = [
        RuntimeFacts.model_validate({"name": name, "precision": products})
        for name in names
        for products in ENGINES.member(name).PRODUCTS
    ]
    if [runtime.name for runtime in runtimes] == [OURS]:
        return replace(model, runtime=runtimes[0]), ()
    work.narrator.say("trying each runtime that is here for a moment")
    notes: list[str] = []
    candidates = []
    apart = _distances(parent, model, texts)
    for runtime in runtimes:
        words = f"{runtime.name} ({runtime.precision})"
        try:
            candidate = _Candidate(runtime, open_engine(model, runtime))
            distance = apart(candidate.engine)
        except Exception as error:  # each runtime has exceptions of its own, and one that is broken here is no choice
            if asked != AUTO:
                raise
            notes.append(f"{words} is left out, since it fails: {str(error).partition(chr(10))[0][:80]}")
            continue
        if distance <= _MOST_APART:
            candidates.append(candidate)
        else:
            notes.append(f"{words} is left out: {distance:.1f} times as far from our own engine as the rounding")
    if not candidates:
        raise _refusal(asked, notes)
    _race(candidates, model, texts)
    best = max(candidates, key=lambda each: each.speed)
    told = [f"run by {best.words}, which answers fastest here", *(each.told for each in candidates), *notes]
    return replace(model, runtime=best.runtime), tuple(told)


def _is_tried(name: str) -> bool:
    return bool(ENGINES.member(name).IS_TRIED) and not missing_packages(name)


def _distances(parent: Parent, model: EncoderModel, texts: Sequence[Text]) -> Callable[[Engine], float]:
    """Tell how far an engine's vectors are from those of our own, in distances that the rounding has moved them.

    Texts of all lengths are read together, with as much padding as there can be.
    """
    tokens = model.tokens(spread([*texts, _longer(texts)], _COMPARED))
    ours = pooled(model.classifier.eval(), tokens)
    moved = _distance(pooled(parent.model.classifier, tokens), ours) + _NOISE * _distance(ours, np.zeros_like(ours))
    return lambda engine: _distance(engine(tokens, most_padding=1.0), ours) / moved


def spread(texts: Sequence[Text], n: int) -> list[Text]:
    """Take texts of all lengths, the shortest and the longest among them.

    Args:
        texts: Any.
        n: Most that are taken, at least 2.

    Returns:
        Shortest first.

    Example:
        >>> spread(["ccc", "a", "bb", "dddd"], 2)
        ['a', 'dddd']
    """
    ordered = sorted(texts, key=lambda text: len(text) if isinstance(text, str) else len(text[0]) + len(text[1]))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(n, len(ordered))).astype(int))
    return [ordered[place] for place in places.tolist()]


def _longer(texts: Sequence[Text]) -> Text:
    """Some of the texts as one, so that some text is longer than most even where all are alike."""
    some = texts[:8]
    if isinstance(some[0], str):
        return " ".join(str(text) for text in some)
    return " ".join(text[0] for text in some), " ".join(text[1] for text in some)


def _distance(one: Floats, other: Floats) -> float:
    """The root of the mean square by which vectors differ."""
    return float(np.sqrt(np.mean(np.square(one - other, dtype=np.float64))))


def _race(candidates: Sequence[_Candidate], model: EncoderModel, texts: Sequence[Text]) -> None:
    """Let all answer the same texts in turns, others each round: new lengths are part of what a runtime costs."""
    tokens = model.tokens(texts)
    started, round_ = time.perf_counter(), 0
    with torch.inference_mode():
        while round_ < _MOST_ROUNDS and (round_ < 2 or time.perf_counter() - started < _PROBE_S):
            many = _part(tokens, round_)
            singles = [many.select(np.array([row])) for row in range(min(_N_SINGLE, many.n_rows))]
            for candidate in candidates:
                seconds = _seconds(candidate.engine, [many])
                seconds_alone = _seconds(candidate.engine, singles)
                if round_:  # the first is to get warm
                    candidate.many.append(many.n_rows / seconds)
                    candidate.single.append(len(singles) / seconds_alone)
            round_ += 1


def _part(tokens: TokenSet, number: int) -> TokenSet:
    """Take as many rows as a pass takes tokens, other rows for each number while there are some."""
    n_rows = max(1, int(np.searchsorted(tokens.n_tokens.cumsum(), _MANY_TOKENS, side="right")))
    return tokens.select(np.arange(number * n_rows, (number + 1) * n_rows) % tokens.n_rows)


def _seconds(engine: Engine, parts: Sequence[TokenSet]) -> float:
    started = time.perf_counter()
    for part in parts:
        engine(part)
    return time.perf_counter() - started


def _refusal(asked: str, notes: Sequence[str]) -> GateError:
    return GateError(
        "runtime-differs",
        "the runtime answers otherwise than our own engine does with the same weights; nothing was written",
        where=asked,
        found="; ".join(notes),
        allowed=f"{_MOST_APART:g} times as far from our own engine as that is from the model before it was rounded",
        advice="--set technique.int8.runtime=flat, and please report this with the versions that doctor prints",
    )
