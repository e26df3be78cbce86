"""Made-up facts and outcomes of a climb, for tests of what is said about them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.schema import BaseFacts, DataFacts, Facts, TokenFacts
from tunesmith.evaluate.calibration import apply_temperature, fit_temperature, mean_log_loss, softmax
from tunesmith.evaluate.metrics import classification_metrics
from tunesmith.ladder.climb import Outcome, StoppedBecause
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.stop import better, compare
from tunesmith.report.paradigm.compared import compared
from tunesmith.tasks import load_task
from tunesmith.types import JSON

HOSTILE = ("<script>alert(1)</script>", "\u202egnp.exe\x07", "a" * 300, '"`|*_&amp;', "two\nlines: - x")
"""Labels that try to become markup, to turn the line round, to burst the page, or to end a quote."""

COSTS: dict[str, Any] = {
    "seconds": 171.3,
    "stopped_because": "budget",
    "rungs": [],
    "machine": {"cpu": "AMD EPYC (model 1)", "cores": 2, "threads": 2, "memory_gib": 24.0, "python": "3.12.3"},
}

_RUNGS = {
    "linear": {"skill": 2.6, "seconds": 3.2, "peak_mib": 420.0, "tflop": 0.0, "facts": {}},
    "probe": {
        "skill": 3.6,
        "seconds": 17.5,
        "peak_mib": 612.4,
        "tflop": 3.47,
        "facts": {"pooling": "mean", "l2": 1e-4},
    },
    "finetune": {"skill": 4.2, "seconds": 141.0, "peak_mib": 1105.0, "tflop": 21.3, "facts": {}},
    "refine": {"skill": 4.25, "seconds": 160.0, "peak_mib": 1140.0, "tflop": 22.0, "facts": {}},
}


def labels(n: int) -> tuple[str, ...]:
    """Label names: plain ones, and the hostile ones where there is room for them."""
    plain = [f"intent_{number:03d}" for number in range(n)]
    hostile = list(HOSTILE) if n > len(HOSTILE) else []
    return tuple(sorted(hostile + plain[: n - len(hostile)]))


def metrics_of(logits: NDArray[np.float32], targets: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, JSON]:
    """METRICS from few draws."""
    calibrated = apply_temperature(logits, fit_temperature(logits, targets))
    return classification_metrics(targets, softmax(logits), names, seed=0, draws=60, calibrated=calibrated)


def landing(rung: str, names: tuple[str, ...], *, rows: int) -> Landing:
    """A rung climbed, with outputs that are right the more often the higher the rung."""
    made = _RUNGS[rung]
    targets = np.random.Generator(np.random.PCG64(1)).integers(0, len(names), rows)
    noise = np.random.Generator(np.random.PCG64(2)).normal(size=(rows, len(names)))
    noise[np.arange(rows), (targets * targets + 1) % len(names)] += 1.6  # each label has one that it is taken for
    logits = noise.astype(np.float32)
    logits[np.arange(rows), targets] += made["skill"]
    objective = float((logits.argmax(axis=1) == targets).mean())
    facts: dict[str, JSON] = dict(made["facts"])
    if rung in ("finetune", "refine"):
        steps = (160, 320, 480, 640)
        scores = (objective - 0.012, objective - 0.004, objective, objective - 0.002)
        curve = [{"step": step, "objective": score, "loss": 0.3} for step, score in zip(steps, scores, strict=True)]
        facts = {"steps": 640, "best_step": 480, "epochs": 2.0, "ended": "planned steps taken", "curve": curve}
    return Landing(
        rung=rung,
        kind="bag_of_words" if rung == "linear" else "encoder",
        model=None,
        logits=logits,
        targets=targets,
        objective=objective,
        loss=mean_log_loss(logits, targets),
        measured_on="validation rows",
        seconds=made["seconds"],
        peak_mib=made["peak_mib"],
        tflop=made["tflop"],
        facts=facts,
    )


def outcome(
    *rungs: str,
    names: tuple[str, ...],
    rows: int = 1000,
    stopped_because: StoppedBecause | None = "budget",
    with_test: bool = False,
) -> Outcome:
    """What climbing these rungs brought."""
    landings = tuple(landing(rung, names, rows=rows) for rung in rungs)
    kept = landings[0]
    comparisons = {}
    for later in landings[1:]:
        comparisons[later.rung] = compare(later, kept, load_task("single_label"), objective="accuracy", seed=0)
        kept = later if better(later, kept) else kept
    validation = {each.rung: metrics_of(each.logits, each.targets, names) for each in landings}
    return Outcome(
        landings=landings,
        comparisons=comparisons,
        validation=validation,
        kept=kept,
        calibration=load_task("single_label").calibrate(kept.logits, kept.targets),
        metrics=validation[kept.rung],
        test=metrics_of(kept.logits[::2], kept.targets[::2], names) if with_test else None,
        stopped_because=stopped_because,
    )


def facts_of(
    found: Outcome, *, source: str = "tickets.csv", metric: str = "accuracy", licence: str = "apache-2.0"
) -> Facts:
    """What the bundle of an outcome says of itself."""
    names = tuple(found.metrics["per_class"])
    is_encoder = found.kept.kind == "encoder"
    rows = len(found.kept.targets)
    ladder = {"rungs": ["linear", "probe", "finetune", "refine"], "budget": "5m", "min_gain": 0.2, "metric": metric}
    return Facts(
        format=1,
        kind=found.kept.kind,
        task="single_label",
        rung=found.kept.rung,
        labels=names,
        tokens=TokenFacts(max_seq_length=256) if is_encoder else None,
        temperature=found.calibration.temperature,
        measured_on=found.kept.measured_on,
        metrics=found.metrics,
        test_metrics=found.test,
        data=DataFacts(
            source=source,
            sha256="0123456789abcdef" * 4,
            text="message",
            label="queue",
            rows=10 * rows,
            train=9 * rows,
            validation=rows,
            test=rows // 2 if found.test else 0,
            labels={name: rows + number for number, name in enumerate(names)},
            scripts={"Latin": 0.93, "Han": 0.07},
            notes=('text: column "message", by its name', f'warning: 2 rows look alike: "{HOSTILE[0]}", "`*[b](c)"'),
        ),
        base=BaseFacts(name="all-MiniLM-L6-v2", licence=licence, sha256="fedcba9876543210" * 4) if is_encoder else None,
        versions={"python": "3.12.3", "tunesmith": "0.1.0", "torch": "2.13.0"},
        recipe={"ladder": ladder},
    )


def costs_of(found: Outcome) -> dict[str, Any]:
    """What its climb cost."""
    rungs = [
        {
            "name": each.rung,
            "seconds": each.seconds,
            "peak_mib": each.peak_mib,
            "tflop": each.tflop,
            "validation": found.validation[each.rung],
            "kept": each.rung == found.kept.rung,
        }
        for each in found.landings
    ]
    made = compared(found, load_task("single_label"), objective="accuracy", seed=0)
    return {**COSTS, "rungs": rungs, **made}
