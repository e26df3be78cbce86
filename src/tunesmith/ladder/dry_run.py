"""What a run would do, without doing it: columns, splits, tokens, and a forecast of each rung."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.table import Table
from tunesmith.ladder.coverage import token_counts
from tunesmith.ladder.foresight import foresee
from tunesmith.ladder.prepare import prepare
from tunesmith.ladder.resolve import Resolved
from tunesmith.ladder.site import Ground
from tunesmith.machine.device import choose_device
from tunesmith.machine.rates import matmul_rate
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.types import JSON


def dry_run(resolved: Resolved, table: Table, *, notes: Sequence[str] = ()) -> dict[str, JSON]:
    """Read and prepare the data, find the base model, and foresee the least time of each rung.

    Args:
        resolved: The recipe, checked.
        table: The training file as read.
        notes: What was decided before, to be told first.

    Returns:
        Plain data; nothing is written. Where no rung starts from the base model, what concerns it is null.

    Raises:
        TunesmithError: What a real run would find wrong before training.
    """
    recipe = resolved.recipe
    device = choose_device(recipe.run.device)
    data = prepare(table, recipe.data, resolved.task, seed=recipe.run.seed)
    set_threads(recipe.run.threads or choose_threads())
    ground = Ground(
        recipe=recipe,
        task=resolved.task,
        data=data,
        matmul_gflops=matmul_rate(device=device),
        device=device,
        uses_base=resolved.uses_base,
    )
    return {
        "rows": len(data.texts),
        "task": resolved.task.name,
        "labels": len(data.coding.labels),
        "train": len(data.split.train),
        "validation": len(data.split.validation),
        "test": len(data.split.test),
        "unlabelled": len(data.unlabelled) or None,
        **_seen_by_the_base(ground),
        "rungs": [f"{rung.name}: at least {rung.forecast(ground):.0f} s" for rung in resolved.rungs],
        "forecast": foresee(ground, resolved.rungs, budget_s=resolved.budget_s).as_json(),
        "budget": recipe.ladder.budget,
        "notes": [*notes, *resolved.notes, *data.notes],
        "findings": [finding.told for finding in ground.findings],
    }


def _seen_by_the_base(ground: Ground) -> dict[str, JSON]:
    """Tell the base model and what it makes of the texts."""
    if not ground.uses_base:
        return dict.fromkeys(("base", "tokens", "longest", "windowed", "tokens_read", "tokens_trained_on"))
    counts = token_counts(ground)
    return {
        "base": f"{ground.base.name} ({ground.base.source}, {ground.base.licence})",
        "tokens": counts.total,
        "longest": counts.longest,
        "windowed": counts.windowed,
        "tokens_read": 1.0,  # longer texts are read in windows, never cut
        "tokens_trained_on": round(counts.trained_on, 4),
    }
