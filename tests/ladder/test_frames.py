"""From the command to the optimiser step by eye: few of our own frames lie between."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from tests.ladder.tiny_climb import SETTINGS, STAYS, Home

import tunesmith
from tunesmith.cli import main
from tunesmith.train.optimisers.adamw import FusedAdamW

PACKAGE = Path(tunesmith.__file__).parent
MOST = 6


def test_at_most_six_frames_lie_between_main_and_the_optimiser_step(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real run of the command, for each rung that trains; whoever adds a layer must take one away."""

    def step(optimizer: FusedAdamW, *args: Any, **keywords: Any) -> Any:
        frames = [frame for frame in traceback.extract_stack() if Path(frame.filename).is_relative_to(PACKAGE)]
        places = [f"{Path(frame.filename).relative_to(PACKAGE)}:{frame.name}" for frame in frames]
        between = places[places.index("cli/__init__.py:main") + 1 :]
        stacks[next(place for place in between if place.startswith("ladder/rungs/"))] = between
        return take_step(optimizer, *args, **keywords)

    take_step, stacks = FusedAdamW.step, {}
    settings = {
        **SETTINGS,
        "base.name": str(home.folder / "base"),
        "ladder.rungs": ["probe", "finetune", "refine"],
        **{f"rung.finetune.{name}": value for name, value in STAYS.items()},
        "rung.finetune.epochs": 0.3,
        "rung.refine.epochs": 0.3,
    }
    sets = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    data, out = str(home.folder / "rows.csv"), str(home.folder / "model")
    monkeypatch.setattr(sys, "argv", ["tunesmith", "train", data, "--out", out, *sets])
    monkeypatch.setattr(FusedAdamW, "step", step)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0, capsys.readouterr().err
    assert set(stacks) == {"ladder/rungs/finetune.py:climb", "ladder/rungs/refine.py:climb"}
    for between in stacks.values():
        assert len(between) <= MOST, " > ".join(between)
