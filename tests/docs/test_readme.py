"""Both READMEs, held to what is there: every block is parsed or run, every flag, name, link and exit code looked up."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.cli.running import run
from tests.cli.small_world import LABELS, csv_text, rows, write_rows
from tests.style.sources import ROOT
from typer.main import get_command

import tunesmith
from tunesmith.cli.app import app
from tunesmith.config.recipe import Recipe, load_recipe
from tunesmith.data.columns import choose_columns
from tunesmith.data.labelled import labelled
from tunesmith.data.read import read_table
from tunesmith.errors import TunesmithError
from tunesmith.ladder import camp
from tunesmith.ladder.resolve import resolve
from tunesmith.models.methods import METHODS
from tunesmith.models.networks import NETWORKS
from tunesmith.tasks import TASKS

READMES = ("README.md", "README.zh.md")
COMMANDS: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
FLAGS = {flag for command in COMMANDS.values() for parameter in command.params for flag in parameter.opts}
USAGE_ERROR: Any = typer.BadParameter.__base__
"""Which typer offers under no name of its own."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_EXIT_CODES = re.compile(r"(?:Exit codes: |退出码：)(.*?)[.。]", re.S)

every_readme = pytest.mark.parametrize("readme", READMES)


def text_of(readme: str) -> str:
    """A README."""
    return (ROOT / readme).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return _BLOCK.findall(text)


def lines_of(code: str) -> list[list[str]]:
    """The words of each line of a shell, without comments and empty lines."""
    return [words for line in code.splitlines() if (words := shlex.split(line, comments=True))]


def shell_lines(text: str) -> list[list[str]]:
    """The words of every line of every block of shell."""
    return [words for language, code in blocks(text) if language == "sh" for words in lines_of(code)]


def commands(text: str) -> list[list[str]]:
    """What follows ``tunesmith`` in each such line, wherever it is installed."""
    return [words[1:] for words in shell_lines(text) if Path(words[0]).name == "tunesmith"]


def prose(text: str) -> str:
    """What stands outside the blocks."""
    return _BLOCK.sub("", text)


def only(text: str, language: str) -> str:
    """The one block of a language."""
    (code,) = (code for found, code in blocks(text) if found == language)
    return code


MEANINGS: Mapping[str, Callable[[str], object]] = {
    "sh": lines_of,
    "python": lambda code: ast.dump(ast.parse(code)),
    "toml": tomllib.loads,
    "csv": str,
}
"""What must be the same in both languages: all but the comments."""


def meanings(text: str) -> list[tuple[str, object]]:
    """What the blocks say."""
    return [(language, MEANINGS[language](code)) for language, code in blocks(text)]


@every_readme
def test_blocks_are_found(readme: str) -> None:
    """As many as there are, so that none is passed over in silence."""
    text = text_of(readme)
    assert Counter(language for language, _ in blocks(text)) == {"sh": 3, "python": 1, "csv": 1, "toml": 1}
    assert text.count("```") == 2 * len(blocks(text)), "a block without its language"
    assert len(commands(text)) == 7


def test_both_languages_show_the_same() -> None:
    """The same blocks in the same order, comments apart, and the same flags around them."""
    english, chinese = map(text_of, READMES)
    assert meanings(chinese) == meanings(english)
    assert set(_FLAG.findall(prose(chinese))) == set(_FLAG.findall(prose(english)))


@pytest.mark.parametrize(
    ("language", "old", "new", "same"),
    [
        ("sh", "tunesmith info a.model  # what it is", "tunesmith info a.model  # 是什么", True),
        ("sh", "tunesmith info a.model", "tunesmith info b.model", False),
        ("python", "x = 1  # one", "x = 1  # 一", True),
        ("python", "x = 1", "x = 2", False),
        ("toml", "seed = 1  # one", "seed = 1  # 一", True),
        ("toml", "seed = 1", "seed = 2", False),
        ("csv", "a,b", "a,c", False),
    ],
)
def test_a_block_that_fell_behind_is_found(language: str, old: str, new: str, same: bool) -> None:
    """A comment may be in another language, nothing else may differ."""
    texts = [f"one\n\n```{language}\n{code}\n```\n" for code in (old, new)]
    assert (meanings(texts[0]) == meanings(texts[1])) is same


@every_readme
def test_every_command_line_parses(readme: str) -> None:
    """Each flag, argument and value is one that the command takes; nothing is run."""
    for name, *arguments in commands(text_of(readme)):
        context = COMMANDS[name].make_context(name, list(arguments))
        assert context.params


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("info", "bundle"),
        ("train tickets.csv --bugdet 5m", "--bugdet"),
        ("predict m --threads many", "valid integer"),
        ("doctor now", "now"),
    ],
)
def test_a_command_line_that_does_not_parse_is_found(line: str, told: str) -> None:
    """An argument that lacks, a flag that is not there, a value of another type, an argument too many."""
    name, *arguments = shlex.split(line)
    with pytest.raises(USAGE_ERROR, match=told):
        COMMANDS[name].make_context(name, arguments)


@every_readme
def test_what_make_and_pip_are_asked_for_is_there(readme: str) -> None:
    """Targets and variables of the Makefile; packages that the project names, and its own folder."""
    makefile, project = (ROOT / "Makefile").read_text("utf-8"), tomllib.loads(text_of("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    required = [name for names in (project["dependencies"], *extras) for name in names]
    packages = {re.split(r"[^\w.-]", name)[0] for name in required} | {"."}
    asked = [words for words in shell_lines(text_of(readme)) if words[0] in ("make", "pip")]
    assert len(asked) == 6
    for tool, *words in asked:
        named = [word for word in words if "=" in word or not (word.startswith("-") or "://" in word)]
        if tool == "pip":
            assert named[0] == "install"
            assert set(named[1:]) <= packages
            continue
        for word in named:
            sought = rf"^{word.partition('=')[0]} \?=" if "=" in word else rf"^{word}:"
            assert re.search(sought, makefile, re.M), word


@every_readme
def test_every_flag_that_is_spoken_of_is_there(readme: str) -> None:
    """In the text as in the blocks; and every command that it speaks of."""
    spoken = set(_FLAG.findall(prose(text_of(readme))))
    assert len(spoken) > 10
    assert spoken - FLAGS - {"--help"} == set()
    named = re.findall(r"`tunesmith (\w+)", prose(text_of(readme)))
    assert named
    assert set(named) <= COMMANDS.keys()


@every_readme
def test_the_recipe_loads(readme: str, tmp_path: Path) -> None:
    """Every key and value of the block is right, and it says what it seems to say; so is what ``--set`` shows."""
    text = text_of(readme)
    (tmp_path / "run.toml").write_text(only(text, "toml"), "utf-8")
    recipe = load_recipe(str(tmp_path / "run.toml"), [], {})
    assert resolve(recipe).budget_s == 1800.0
    assert (recipe.data.text, recipe.data.label) == (("subject", "body"), "queue")
    assert (recipe.ladder.budget, recipe.ladder.metric) == ("30m", "macro_f1")
    assert recipe != Recipe()
    sets = re.findall(r"`--set (\S+=\S+?)`", text)
    assert sets
    assert resolve(load_recipe(None, sets, {})).recipe != Recipe()


@every_readme
def test_the_file_is_read(readme: str, tmp_path: Path) -> None:
    """The columns that the text and the recipe speak of, and each text whole, with the comma that is in it."""
    text = text_of(readme)
    (tmp_path / "tickets.csv").write_text(only(text, "csv"), "utf-8")
    table = read_table(tmp_path / "tickets.csv")
    assert list(table.columns) == ["subject", "body", "queue"]
    assert table.notes == ()
    recipe = tomllib.loads(only(text, "toml"))
    joined = re.findall(r"`--text (\w+,\w+)`", text)
    assert joined == [",".join(recipe["data"]["text"])]
    columns = choose_columns(table, text=joined[0])
    assert (columns.text, columns.label) == (("subject", "body"), recipe["data"]["label"])
    assert choose_columns(table).text == ("body",), "found by name, as the text says"
    found = labelled(table, columns)
    assert found.texts == ["Parcel It was due on Tuesday, still nothing", "Invoice Charged twice for one kettle"]
    assert found.labels == ["delivery", "billing"]


@every_readme
def test_the_tables_list_the_rungs_and_the_tasks(readme: str) -> None:
    """All rungs from the cheapest, those that a recipe left alone climbs among them; and all that can be learnt."""
    listed = re.findall(r"^\| `(\w+)` \|", text_of(readme), re.M)
    rungs = [name for name in resolve(Recipe()).task.rungs if name not in NETWORKS.names()]
    assert listed[: len(rungs)] == rungs
    assert set(Recipe().ladder.rungs) < set(rungs)
    by_name = (*NETWORKS.names(), *METHODS.names())
    assert all(f"`{name}`" in text_of(readme) for name in by_name if name != "full")
    assert sorted(listed[len(rungs) :]) == list(TASKS.names())


@every_readme
def test_exit_codes_are_those_of_the_errors(readme: str) -> None:
    """Each once, with 0 for what went well, and no others."""
    (listed,) = _EXIT_CODES.findall(text_of(readme))
    codes = [int(number) for number in re.findall(r"\d+", listed)]
    kinds: tuple[type[TunesmithError], ...] = (TunesmithError, *TunesmithError.__subclasses__())
    assert codes == sorted({0, *(kind.exit_code for kind in kinds)})


@every_readme
def test_links_and_folders_are_there(readme: str) -> None:
    """Whatever it points to within the project."""
    text = text_of(readme)
    named = [*re.findall(r"\]\((?!https?:)([^)#]+)\)", text), *re.findall(r"`((?:src|tests|benchmarks)/[^`]+)`", text)]
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """To stand in, with the files that are spoken of; only the first rung is climbed, which needs a second."""

    def with_one_rung(file: str | None, sets: Sequence[str], flags: Mapping[str, Any], **more: Any) -> Recipe:
        return load_recipe(file, sets, {**flags, "ladder.rungs": ("linear",), "run.threads": 1}, **more)

    for place in ("tunesmith.config.recipe.load_recipe", "tunesmith.api.training.load_recipe"):
        monkeypatch.setattr(place, with_one_rung)
    monkeypatch.setattr(camp, "set_threads", lambda n: None)  # it would hold for all tests after this one
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "tickets.csv")
    write_rows(tmp_path / "held_out.csv")
    (tmp_path / "new.csv").write_text(csv_text(["text"], [[text] for text, _ in rows()[:10]]), "utf-8")
    return tmp_path


def test_the_commands_run_one_after_the_other(folder: Path) -> None:
    """As they stand there, and each leaves what the text says that it leaves."""
    for words in commands(text_of("README.md")):
        ended = run(*words)
        assert ended.code == 0, f"{words}: {ended.err}"
        assert ended.out or "--out" in words, words
    assert {path.name for path in (folder / "tickets.model.work").iterdir()} == {"plan.jsonl", "log.jsonl"}
    assert (folder / "tickets.model" / "vocabulary.json").is_file()
    answers = read_table(folder / "answers.csv")
    assert list(answers.columns) == ["text", "prediction", "probability"]
    assert answers.n_rows == 10


def test_the_lines_of_python_run(folder: Path) -> None:
    """After the commands, from top to bottom; what they bring is what the comments say."""
    (train,) = (words for words in commands(text_of("README.md")) if words[0] == "train")
    assert run(*train).code == 0
    names: dict[str, Any] = {}
    values = []
    for statement in ast.parse(only(text_of("README.md"), "python")).body:
        code = ast.unparse(statement)
        if isinstance(statement, ast.Expr):
            values.append(eval(code, names))
        else:
            exec(code, names)
    label, shares = values
    assert label in LABELS
    assert shares.shape == (1, len(LABELS))
    assert float(shares.sum()) == pytest.approx(1.0)
    assert names["model"].labels == list(LABELS)
    assert tunesmith.load(folder / "again.model").labels == list(LABELS)
