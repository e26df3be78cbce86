"""What a command loads: answering must not wait for libraries that only training needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.cli.conftest import Model
from tests.cli.running import run_process

HEAVY = ["matplotlib", "pandas", "pyarrow", "scipy", "sklearn", "sympy", "torch._dynamo", "transformers"]
"""Two of them are torch's own: it loads them, for more than a second, where it is asked for the wrong thing."""

_LOADED = """
import json, sys
from tunesmith.cli import main
loaded = {}
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["tunesmith", *arguments]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, ended.code
    loaded[arguments[0]] = sorted(name for name in HEAVY if name in sys.modules)
print(json.dumps(loaded))
"""


def loaded(*commands: list[str], heavy: list[str] = HEAVY) -> dict[str, list[str]]:
    """Run commands one after the other in a fresh process; which heavy libraries were there after each."""
    code = f"HEAVY = {heavy!r}\n{_LOADED}"
    ended = run_process([sys.executable, "-c", code, json.dumps(commands)])
    assert ended.code == 0, ended.err
    found: dict[str, list[str]] = json.loads(ended.out.splitlines()[-1])
    return found


def test_answering_loads_no_heavy_library(
    probed: Model, climbed: Model, tickets: Path, tmp_path: Path, quick: list[str]
) -> None:
    """Predicting and measuring with either kind of model loads none of them, and training a probe no transformers."""
    found = loaded(
        ["predict", str(probed.folder), "--text", "where is my card?"],
        ["evaluate", str(climbed.folder), str(tickets), "--quiet"],
        ["info", str(probed.folder)],
        ["train", str(tickets), *quick, "--rungs", "probe", "--out", str(tmp_path / "m"), "--quiet"],
    )
    assert found == {"predict": [], "evaluate": [], "info": [], "train": []}


def test_tuning_an_encoder_loads_no_compiler(tickets: Path, tmp_path: Path, quick: list[str]) -> None:
    """It would take a second of every short run, and nothing is compiled."""
    rungs = ["--rungs", "probe,contrast,finetune", "--set", "rung.finetune.epochs=0.1"]
    found = loaded(["train", str(tickets), *quick, *rungs, "--out", str(tmp_path / "m"), "--quiet"])
    assert found == {"train": []}


def test_a_loaded_library_is_found() -> None:
    """The check itself sees what is loaded."""
    assert loaded(["--help"], heavy=["typer", "torch"]) == {"--help": ["typer"]}
