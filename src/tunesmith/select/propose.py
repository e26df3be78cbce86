"""Proposing rows to label: a bundle and texts in, row numbers out, the one that would teach most first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.bundle.load import Bundle
from tunesmith.bundle.predict import answers_of, outputs_of, seen_by
from tunesmith.bundle.schema import Facts
from tunesmith.data.prepare import prepare_input
from tunesmith.errors import ConfigError, DataError, counted
from tunesmith.select.pool import Pool, open_rows
from tunesmith.select.strategies import (
    DEFAULT,
    STRATEGIES,
    WITHOUT_MARGINS,
    Doubles,
    Ints,
    Shortlist,
    Strategy,
    Vectors,
    load_strategy,
)
from tunesmith.types import JSON, Text

Progress = Callable[[str, float], None]

_TEXTS_AT_ONCE = 8192
_MOST_LABELLED = 50_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many rows are wanted, and how they are chosen."""

    n: int = 50
    """Rows; fewer are proposed where fewer are left."""
    by: str | None = None
    """The strategy; left out, ``both``, or ``diversity`` where the model does not say how sure it is."""
    seed: int = 0
    """Of what is drawn at random."""


@dataclass(frozen=True)
class Proposals:
    """Rows to label next, the one that would teach most first, with what the model makes of each."""

    rows: tuple[int, ...]
    """From 0."""
    answers: tuple[dict[str, JSON], ...]
    """As ``predict --json`` prints them."""
    margins: tuple[float | None, ...]
    """How far each answer is from turning into another, 0..1; None where the model does not say."""
    by: str
    """The strategy."""
    features: str | None
    """What it took for the features of a text; None where it used none."""
    pool: Pool


def propose(
    bundle: Bundle,
    texts: Sequence[Text],
    labelled: Sequence[Text] = (),
    *,
    wanted: Wanted,
    done: Collection[int] = (),
    where: str | None = None,
    progress: Progress = lambda stage, share: None,
) -> Proposals:
    """Choose the rows whose labels would teach a model most.

    Args:
        bundle: Loaded.
        texts: As the user wrote them; pairs where the model reads those.
        labelled: Texts whose labels are known: they and what nearly equals them is not proposed.
        wanted: How many rows, and how they are chosen.
        done: Rows of ``texts`` whose labels are known as well.
        where: Name of the file, for messages.
        progress: Told the stage and the share of it that is done.

    Returns:
        The rows. Neither an empty text is among them nor two that are nearly the same.

    Raises:
        ConfigError: ``unknown-strategy``, ``strategy-unfit`` or ``bad-setting``, see ``chosen_strategy``.
        DataError: ``nothing-to-label``, no row is left that could be proposed.
    """
    facts, seed = bundle.facts, wanted.seed
    by = chosen_strategy(facts, wanted)
    strategy = load_strategy(by)
    prepared = [prepare_input(text, facts.text.normalise) for text in texts]
    known = [prepare_input(text, facts.text.normalise) for text in labelled]
    progress("finding near-duplicates", 0.0)
    pool = open_rows(prepared, known, done=done)
    progress("finding near-duplicates", 1.0)
    if not len(pool.rows):
        raise _nothing_left(pool, len(prepared), where)
    n = min(wanted.n, len(pool.rows))
    some = [prepared[row] for row in pool.rows]
    margins = _margins(bundle, some, progress=progress) if strategy.by_margins else None
    listed = strategy.shortlist(len(some), margins, n, seed=seed)
    shortlist = Shortlist(
        margins=None if margins is None else margins[listed],
        features=_features(bundle, [some[row] for row in listed], "comparing", progress=progress)
        if strategy.by_features
        else None,
        labelled=_of_labelled(
            bundle, [*known, *(prepared[row] for row in done)], strategy, seed=seed, progress=progress
        ),
    )
    rows = pool.rows[listed[strategy.choose(shortlist, n, seed=seed)]]
    return _told(bundle, [prepared[row] for row in rows], rows, by=by, uses_features=strategy.by_features, pool=pool)


def chosen_strategy(facts: Facts, wanted: Wanted) -> str:
    """Choose the strategy by what is wanted and what the model says.

    Args:
        facts: Of its bundle.
        wanted: May name one.

    Returns:
        Its name.

    Raises:
        ConfigError: ``unknown-strategy``; ``strategy-unfit``, it goes by how sure the model is, which that does not
            say; ``bad-setting``, not even one row is wanted.
    """
    if wanted.n < 1:
        raise ConfigError("bad-setting", f"n = {wanted.n}: at least one row must be asked for")
    nothing = np.zeros((1, facts.n_outputs), dtype=np.float32)
    says_how_sure = facts.learnt.margins(nothing, facts.calibration) is not None
    by = wanted.by or (DEFAULT if says_how_sure else WITHOUT_MARGINS)
    if load_strategy(by).by_margins and not says_how_sure:
        raise _unfit(facts, by)
    return by


def _margins(bundle: Bundle, texts: Sequence[Text], *, progress: Progress) -> Doubles:
    """Run the model over texts, some at a time, and keep one number of each."""
    facts = bundle.facts
    found = []
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        part = texts[first : first + _TEXTS_AT_ONCE]
        advanced = _share_of(progress, "answering", before=first, here=len(part), total=len(texts))
        margins = facts.learnt.margins(outputs_of(bundle, part, progress=advanced).logits, facts.calibration)
        assert margins is not None, "the caller asked whether there are any"
        found.append(margins)
    return np.concatenate(found)


def _features(bundle: Bundle, texts: Sequence[Text], stage: str, *, progress: Progress) -> Vectors:
    """Compute features of texts, some at a time, and scale them to length 1."""
    found: Vectors | None = None
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        part = texts[first : first + _TEXTS_AT_ONCE]
        advanced = _share_of(progress, stage, before=first, here=len(part), total=len(texts))
        features = seen_by(bundle, part, progress=advanced).features
        if found is None:
            found = np.empty((len(texts), features.shape[1]), dtype=np.float32)
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        found[first : first + len(part)] = features / np.maximum(norms, 1e-12)
    assert found is not None, "there is at least one text"
    return found


def _of_labelled(
    bundle: Bundle, texts: Sequence[Text], strategy: Strategy, *, seed: int, progress: Progress
) -> Vectors | None:
    """Compute features of labelled texts where they are asked for; of very many some, drawn at random, suffice."""
    if not texts or not strategy.by_labelled:
        return None
    if len(texts) > _MOST_LABELLED:
        drawn = np.random.default_rng(seed).choice(len(texts), _MOST_LABELLED, replace=False)
        texts = [texts[row] for row in np.sort(drawn)]
    return _features(bundle, texts, "comparing with labelled rows", progress=progress)


def _share_of(progress: Progress, stage: str, *, before: int, here: int, total: int) -> Callable[[int, int], None]:
    """Tell the progress of one part as its share of all."""
    return lambda done, of: progress(stage, (before + here * done / max(of, 1)) / total)


def _told(bundle: Bundle, texts: Sequence[Text], rows: Ints, *, by: str, uses_features: bool, pool: Pool) -> Proposals:
    """Put what the model makes of the chosen texts beside them."""
    facts, outputs = bundle.facts, outputs_of(bundle, texts)
    margins = facts.learnt.margins(outputs.logits, facts.calibration)
    answers = answers_of(bundle, outputs)
    return Proposals(
        rows=tuple(rows.tolist()),
        answers=tuple({**answer, "row": row + 1} for answer, row in zip(answers, rows.tolist(), strict=True)),
        margins=(None,) * len(rows) if margins is None else tuple(margins.tolist()),
        by=by,
        features=bundle.predictor.sees if uses_features else None,
        pool=pool,
    )


def _unfit(facts: Facts, by: str) -> ConfigError:
    fit = [name for name in STRATEGIES.names() if not load_strategy(name).by_margins]
    return ConfigError(
        "strategy-unfit",
        f"{by} goes by how sure the model is, and one of the task {facts.task} does not say",
        allowed=", ".join(fit),
        advice=f"--by {fit[0]}",
    )


def _nothing_left(pool: Pool, n_rows: int, where: str | None) -> DataError:
    return DataError(
        "nothing-to-label",
        "no row is left that could be proposed",
        where=where,
        found=f"{counted(n_rows, 'row')}: {'; '.join(pool.reasons()) or 'none'}",
        advice="give rows with texts that are not labelled yet",
    )
