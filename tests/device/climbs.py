"""Climbs on the CPU or on the pretended device; run as a program, it prints what each one logged.

python -m tests.device.climbs FOLDER NAME…
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.cli.running import run
from tests.device import pretended

from tunesmith.ladder.fit import Fit
from tunesmith.train.loop import Step

_STEPS = ("epochs=1.0", "batch_tokens=128")
_STEADY = ("dropout=0", *_STEPS)
"""Nothing is left to chance, so that both devices do the same."""

_SMALL = ("hidden_size=32", "intermediate_size=64", "num_hidden_layers=1", "num_attention_heads=2")
_STOPPED_AFTER = 3
_METHODS = ("adalora", "adapter", "bitfit", "dora", "full", "lora", "topk")


def climbs() -> dict[str, tuple[str, tuple[str, ...]]]:
    """List what is climbed: by a name, the rung and its settings."""
    found = {method: ("finetune", (f"method={method}", *_STEADY)) for method in _METHODS}
    found["dropping out"] = found["stopped"] = ("finetune", _STEPS)
    found["cnn"] = ("cnn", (*_STEADY, "word_dropout=0"))
    found["transformer"] = ("transformer", (*_STEADY, *_SMALL, "inner_dropout=0", "word_dropout=0"))
    found["contrast"] = ("contrast", ())
    found["rounded features"] = ("probe", ("features=int8",))
    return found


def climb(folder: Path, device: str, name: str, *more: str) -> dict[str, Any]:
    """Climb one rung with what it starts from.

    Args:
        folder: Holds ``tickets.csv`` and the folder ``base``.
        device: Where.
        name: Of ``climbs``.
        more: Further arguments of the command line.

    Returns:
        ``told``, ``losses`` of the steps, and ``objectives`` that were scored.
    """
    rung, settings = climbs()[name]
    out = folder / f"{device}-{name}{''.join(more)}.model".replace(" ", "-")
    below = ("probe",) if rung in ("finetune", "contrast") else ()
    common = ["--base", folder / "base", "--budget", "none", "--threads", "1", "--offline"]
    sets = [part for setting in settings for part in ("--set", f"rung.{rung}.{setting}")]
    rungs = ["--rungs", ",".join((*below, rung)), "--set", "ladder.min_gain=0.0", "--device", device]
    command: list[str | Path] = ["train", folder / "tickets.csv", *common, *rungs, *sets, *more, "--out", out]
    if name == "stopped":
        with _asking_to_stop():
            assert run(*command).code == 5
        command.append("--resume")
    ended = run(*command)
    assert ended.code == 0, ended.err
    log = [json.loads(line) for line in (out.with_name(out.name + ".work") / "log.jsonl").read_text().splitlines()]
    return {
        "told": ended.err,
        "losses": [line["loss"] for line in log if "loss" in line],
        "objectives": [line["objective"] for line in log if "objective" in line],
    }


@contextmanager
def _asking_to_stop() -> Iterator[None]:
    """Ask the process to stop, as a user does, after some steps of a fit."""
    after = Fit.after

    def asked(fit: Fit, step: Step) -> None:
        if step.number == _STOPPED_AFTER:
            signal.raise_signal(signal.SIGTERM)
        after(fit, step)

    with patch.object(Fit, "after", asked):
        yield


def main() -> None:
    """Climb on the pretended device."""
    folder = Path(sys.argv[1])
    seen = pretended.pretend()
    with (
        patch("tunesmith.machine.device.DEVICES", ("cpu", pretended.NAME)),
        patch("tunesmith.machine.device.is_present", lambda name: name in ("cpu", pretended.NAME)),
    ):
        found = {}
        for name in sys.argv[2:]:
            plain, _, more = name.partition("+")
            seen.seeds.clear()
            seen.in_bf16.clear()
            found[name] = climb(folder, pretended.NAME, plain, *(("--set", more) if more else ()))
            found[name] |= {"passes": len(seen.seeds), "in_bf16": len(seen.in_bf16)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
