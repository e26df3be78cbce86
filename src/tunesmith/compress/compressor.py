"""Compressing: made in memory, held to its parent by the gate, and only then written, loaded again and put in place."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith.bundle.kinds import KINDS, Predictor
from tunesmith.bundle.load import Bundle
from tunesmith.bundle.save import save_bundle
from tunesmith.bundle.schema import FORMAT, CompressionFacts, Facts, TokenFacts
from tunesmith.compress.chain import checked_options, learns, make, name_of
from tunesmith.compress.costs import costs_of, memory_mib, size_mib
from tunesmith.compress.gate import Judged, judge, matched_calibration, refuse_loss
from tunesmith.compress.place import partial_of, refuse_taken, restore
from tunesmith.compress.running import spread
from tunesmith.compress.source import Both, Compressed, Parent, Rows, Work, parent_of
from tunesmith.compress.unseen import with_unseen_head
from tunesmith.errors import counted
from tunesmith.files.atomic import write_error
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.reading import read_json
from tunesmith.types import JSON

_N_COMPARED = 64
_SOLVED_ANEW = "so both models begin from a head that was solved anew without them"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be made, and where it goes."""

    steps: tuple[str, ...]
    """Names of members of ``TECHNIQUES`` that follow one another."""
    out: Path
    work: Work
    """What it may lose and take, and the options of the techniques."""
    force: bool = False
    """Whether a compressed model at the place is replaced."""


Pages = Callable[[Facts, Mapping[str, Any]], Mapping[str, str]]
"""From what a bundle says of itself and its costs to its card and its report."""


def compress_bundle(bundle: Bundle, asked: Asked, read_rows: Callable[[], Rows], *, pages: Pages) -> dict[str, JSON]:
    """Make a model smaller.

    Args:
        bundle: Verified.
        asked: Technique and place.
        read_rows: Gives the rows to fit on, and to hold the smaller model to this one on.
        pages: Writes card and report.

    Returns:
        What ``compress --json`` prints.

    Raises:
        ConfigError: There is no such technique, it has no such options, the model cannot be made smaller, or something
            is at the place.
        GateError: It loses too much; nothing was written.
        ResourceError: The disk is full or refuses the write.
    """
    started = time.monotonic()
    checked_options(asked.steps, asked.work.options)  # before minutes of work
    told = asked.work.narrator.say
    restore(asked.out)
    refuse_taken(asked.out, force=asked.force)
    parent, ours, rows = _begun(bundle, read_rows, asked)
    made = make(asked.steps, parent, rows, work=asked.work)
    told(f"comparing {counted(len(rows.held), 'row')}")
    predictors = [ours, KINDS.member(made.kind).predictor(made.model)]
    judged = _judged(parent, predictors, facts=bundle.facts, rows=rows)
    refuse_loss(judged, parent, max_loss=asked.work.max_loss, where=f"{bundle.folder.name} as {name_of(asked.steps)}")
    told("timing both")
    before, after = costs_of(predictors, rows.held)
    facts = _facts(bundle, asked, made, judged=judged, rows=rows)
    texts = spread(rows.held, _N_COMPARED)
    expected = predictors[1].outputs(texts).logits
    costs = dict(read_json(bundle.folder / "costs.json"))
    partial = partial_of(asked.out)

    def write(pages: Mapping[str, str], costs: Mapping[str, Any]) -> None:
        save_bundle(
            partial, made.model, facts, probe_texts=texts, probe_logits=expected, extra_files=pages, costs=costs
        )

    try:
        write({"README.md": "", "report.html": ""}, {})  # memory is that of a process that opens a whole bundle
        for part, folder, told_of in ((before, bundle.folder, bundle.facts), (after, partial, facts)):
            part["size_mib"] = size_mib(folder, told_of)
            part["memory_mib"] = memory_mib(folder, json.dumps(texts))
        seconds = round(time.monotonic() - started, 1)
        costs["compression"] = {
            "before": before,
            "after": after,
            "notes": [*made.notes, rows.note],
            "candidates": list(made.tried),
            "seconds": seconds,
        }
        write(pages(facts, costs), costs)
        bundle.refuse_replaced()
        refuse_taken(asked.out, force=asked.force)  # minutes have gone by
        exchange_folders(partial, asked.out)
    except OSError as error:
        raise write_error(asked.out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {
        "out": str(asked.out),
        "to": name_of(asked.steps),
        "steps": list(made.steps),
        "parent": str(bundle.folder),
        **judged.figures,
        **costs["compression"],
    }


def _begun(bundle: Bundle, read_rows: Callable[[], Rows], asked: Asked) -> tuple[Parent, Predictor, Rows]:
    """Solve the head anew, where a technique learns from one that has seen the rows held out."""
    parent = parent_of(bundle)
    rows = read_rows()
    told = asked.work.narrator.say
    told(f"held to the model on {counted(len(rows.held), 'row')}: {rows.note}")
    if rows.solved is None or not learns(asked.steps):
        return parent, bundle.predictor, rows
    told(_SOLVED_ANEW)
    unseen = with_unseen_head(parent, rows, rows.solved, work=asked.work)
    predictor = KINDS.member("encoder").predictor(unseen.model)
    return unseen, predictor, replace(rows, note=f"{rows.note}; {_SOLVED_ANEW}")


def _judged(parent: Parent, predictors: Sequence[Predictor], *, facts: Facts, rows: Rows) -> Judged:
    """Let both models answer the rows held out; the smaller one is calibrated first."""
    both = Both(*(predictor.outputs(rows.held).logits for predictor in predictors))
    ours = facts.calibration
    return judge(parent, rows, both, calibrations=(ours, matched_calibration(parent, ours, both)))


def _facts(bundle: Bundle, asked: Asked, made: Compressed, *, judged: Judged, rows: Rows) -> Facts:
    """Say what the smaller model is: what its parent was, and what has become of that."""
    tokens, earlier = bundle.facts.tokens, bundle.facts.compression
    assert tokens is not None, "models without tokens were refused"
    return bundle.facts.model_copy(
        update={
            "format": FORMAT,
            "kind": made.kind,
            "method": None,
            "runtime": made.runtime,
            "cascade": made.cascade,
            "tokens": TokenFacts.model_validate({**tokens.model_dump(), "pooling": made.model.pooling}),
            "temperature": judged.calibration.temperature,
            "compression": CompressionFacts(
                to=made.steps[-1],
                earlier=(*(() if earlier is None else (*earlier.earlier, earlier.to)), *made.steps[:-1]),
                parent=bundle.manifest_sha256,
                source=rows.source,
                rows=len(rows.held),
                max_loss=asked.work.max_loss,
                figures={name: value for name, value in judged.figures.items() if name != "rows"},
            ),
        }
    )
