"""``auto``: the other techniques and chains of them are tried; of those that surely fit the fastest is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field

from tunesmith.compress.chain import steps_of
from tunesmith.compress.limits import Limits, parse_latency, parse_size
from tunesmith.compress.search import AS_IT_IS, Candidate, Search, best_of, front
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.errors import ConfigError, GateError, counted
from tunesmith.types import JSON

DOES = "tries the others and chains of them, and takes the fastest within the limits"
LEARNS = True
LEAVES_ENCODER = False

_TOLD = 4
"""Candidates that a refusal tells of."""


def _is_size(text: str | None) -> str | None:
    if text is not None:
        parse_size(text)
    return text


def _is_latency(text: str | None) -> str | None:
    if text is not None:
        parse_latency(text)
    return text


def _are_chains(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what cannot be tried: cascades are made of what the others make, and a search does not search."""
    odd = sorted({steps_of(name)[-1] for name in names} & {"auto", "cascade"})
    if odd:
        raise ConfigError(
            "bad-option",
            f"technique.auto.chains: {odd[0]} cannot stand there",
            allowed="other techniques, joined by +; cascades are made of what these make",
        )
    return names


class Options(Settings):
    """What the model may take, and what is tried."""

    size: Annotated[str | None, AfterValidator(_is_size)] = None
    """Most that it may take on the disk, such as 10MB."""

    latency: Annotated[str | None, AfterValidator(_is_latency)] = None
    """Most that one text may take, in the median, such as 2ms."""

    chains: Annotated[Names, AfterValidator(_are_chains)] = Field(
        ("int8", "static", "student+int8", "student+pruned+int8", "pruned+int8"), min_length=1
    )
    """What is tried, in this order, with all that it begins with: techniques, or several joined by +."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Search for the fastest model that loses and takes no more than it may.

    Args:
        parent: The model.
        rows: Those to fit on teach; on those held out all candidates are held to the model.
        options: Limits, and what is tried.
        work: Points that may be lost; time for all; options of the techniques.

    Returns:
        The best, with all that was tried.

    Raises:
        GateError: ``nothing-fits``; what each lacks is told.
    """
    limits = _limits(options, work)
    search = Search(parent, rows, work)
    found = search.candidates([steps_of(chain) for chain in options.chains])
    objective = parent.task.objectives[0]
    fitting = [each for each in found if each.name != AS_IT_IS and not each.misses(limits, objective)]
    if not fitting:
        raise _nothing_fits(found, limits, objective)
    sure = [each for each in fitting if each.cautious_loss(objective) <= limits.loss]
    best = best_of(sure) if sure else min(fitting, key=lambda each: each.cautious_loss(objective))
    notes = (_why(found, fitting, sure, best=best), *search.left_out, *best.made.notes)
    tried = tuple(_told(found, best=best, limits=limits, objective=objective))
    return replace(best.made, notes=notes, tried=tried)


def _why(
    found: Sequence[Candidate], fitting: Sequence[Candidate], sure: Sequence[Candidate], *, best: Candidate
) -> str:
    """Tell how the best was chosen."""
    keep = f"of {counted(len(found) - 1, 'model')} that were tried, {len(fitting)} keep all limits"
    if not sure:
        return f"{keep}, none with a standard error of the loss to spare; {best.name} comes nearest to that"
    spare = "" if len(sure) == len(fitting) else f", {len(sure)} with a standard error of the loss to spare"
    which = "these" if spare else "them"
    return f"{keep}{spare}; {best.name} is the fastest of {which}, or as fast as can be told and the smallest"


def _limits(options: Options, work: Work) -> Limits:
    found = Limits(loss=work.max_loss)
    if options.size is not None:
        found = replace(found, size_mib=parse_size(options.size))
    if options.latency is not None:
        found = replace(found, latency_ms=parse_latency(options.latency))
    return found


def _told(found: Sequence[Candidate], *, best: Candidate, limits: Limits, objective: str) -> Iterator[dict[str, JSON]]:
    """What was tried, as ``compress --json`` prints it."""
    unbeaten = front(found, objective)
    for each in found:
        misses = each.misses(limits, objective)
        yield {
            "name": each.name,
            "loss": each.loss(objective).as_dict(),
            "figure": each.judged.figures["figures"][objective]["after"],
            "size_mib": each.size_mib,
            **each.costs,
            "unbeaten": each in unbeaten,
            "misses": misses,
            "chosen": each is best,
        }


def _nothing_fits(found: Sequence[Candidate], limits: Limits, objective: str) -> GateError:
    smaller = [each for each in found if each.name != AS_IT_IS]
    nearest = sorted(smaller, key=lambda each: (len(each.misses(limits, objective)), each.loss(objective).value))
    told = [f"{each.name}: {', '.join(each.misses(limits, objective))}" for each in nearest[:_TOLD]]
    return GateError(
        "nothing-fits",
        "no smaller model keeps all limits; nothing was written",
        found="; ".join(told),
        allowed=str(limits),
        advice="allow more with --max-loss, --size or --latency, or give it more time with --budget",
    )
