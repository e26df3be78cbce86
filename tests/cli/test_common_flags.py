"""Flags that every command takes, and the recipe behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import run
from typer.main import get_command

from tunesmith.cli.app import app

COMMON = {"--config", "--set", "--json", "--quiet", "--seed", "--offline", "--device", "--threads"}
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_common_flags(name: str) -> None:
    """Nobody should have to remember which command knows which."""
    flags = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert flags >= COMMON


def arguments(name: str, model: Path, data: Path) -> list[str | Path]:
    """A command with what it cannot do without."""
    return {
        "demo": ["demo"],
        "check": ["check", data],
        "train": ["train", data],
        "evaluate": ["evaluate", model, data],
        "compare": ["compare", model, model, data],
        "predict": ["predict", model, data],
        "next": ["next", model, "--unlabelled", data],
        "info": ["info", model],
        "export": ["export", model, "--to", "onnx"],
        "compress": ["compress", model, "--data", data],
        "doctor": ["doctor"],
    }[name]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, to run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "refused",
    [
        (["--set", "run.thread=2"], "run.thread"),
        (["--threads", "0"], "run.threads"),
        (["--seed", "-1"], "run.seed"),
        (["--device", "abacus"], 'no device "abacus"'),
        (["--config", "nowhere.toml"], "nowhere.toml"),
    ],
    ids=lambda refused: refused[0][0],
)
def test_every_command_checks_its_recipe(
    name: str, refused: tuple[list[str], str], probed: Model, tickets: Path, nowhere: Path
) -> None:
    """A setting that is wrong is refused, also where the command would not have used it."""
    flags, told = refused
    ended = run(*arguments(name, probed.folder, tickets), *flags)
    assert ended.code == 2
    assert told in ended.err
    assert list(nowhere.iterdir()) == []


def test_a_recipe_names_the_columns_and_a_flag_overrules_it(tmp_path: Path) -> None:
    """Flag over ``--set`` over file, for commands that do not train as for the one that does."""
    data = tmp_path / "rows.csv"
    data.write_text("a,b,c,d\nalpha,one,beta,two\ngamma,two,delta,one\n", "utf-8")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[data]\ntext = ["a"]\nlabel = "b"\n', "utf-8")
    by_file = run("check", data, "--config", recipe, "--json")
    assert by_file.code in (0, 2)
    assert "no such column" not in by_file.err
    by_flag = run("check", data, "--config", recipe, "--set", "data.label='x'", "--text", "y", "--json")
    assert by_flag.code == 2
    assert '"y"' in by_flag.err
    by_set = run("check", data, "--config", recipe, "--set", "data.label='x'", "--json")
    assert by_set.code == 2
    assert '"x"' in by_set.err
