"""Every error that a user can easily meet: its words, its exit code, its size."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run

import tunesmith
from tunesmith.bundle.save import RECORD
from tunesmith.errors import ConfigError
from tunesmith.files.manifest import write_manifest

_TWO = "text,label\nwhere is my card?,card\nwhere is my parcel?,delivery\n"


FILES = {
    "file-empty": (b"", ["bad.csv: the file is empty", "a header and rows"]),
    "header-only": (b"text,label\n", ["a header but no rows", 'columns "text", "label"']),
    "one-row": (b"text,label\nwhere is my card?,card\n", ["bad.csv:2:", "one labelled row only"]),
    "one-class": (
        b"text,label\nwhere is my card?,card\nis it lost?,card\n",
        ["all 2 rows have the same label", '"label" is "card" throughout'],
    ),
    "bad-byte": (
        "text,label\nwhere is my café?,card\n".encode("latin-1"),
        ["bad.csv:2", "byte 0xE9 at offset 26, line 2", "--encoding windows-1252"],
    ),
    "unclosed-quote": (
        b'text,label\nfine,card\n"never closed,card\nmore,delivery\n',
        ["bad.csv:3:", "not closed", "look at line 3"],
    ),
    "ragged-row": (
        b"text,label\none,two,three\nfine,card\nshort\n",
        ["bad.csv:2:", "3 cells where the header has 2", "2 rows (lines 2, 4)"],
    ),
    "too-few-rows": (
        b"text,label\nwhere is it?,a\nwhat is it?,b\nwho is it?,c\n",
        ["no rows can be held back", "3 rows, 3 labels", "--validation FILE"],
    ),
}
"""Code of the error to a file that is met with it, and the words it is told in."""


@pytest.mark.parametrize("error", FILES)
def test_a_file_that_cannot_be_used(tmp_path: Path, quick: list[str], error: str) -> None:
    """The fault is named with its line; nothing is left that would stand in the way of the next try."""
    content, words = FILES[error]
    data = tmp_path / "bad.csv"
    data.write_bytes(content)
    assert_error(run("train", data, "--out", tmp_path / "m", *quick), error, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_a_directory_as_the_file(tmp_path: Path, tickets: Path) -> None:
    """The files that could be meant are named."""
    assert_error(run("train", tickets.parent), "file-is-directory", "a directory, not a file", str(tickets))


def test_no_such_file_offers_the_nearest(tickets: Path) -> None:
    """A mistyped name is most likely that of a file beside it."""
    ended = run("check", tickets.with_name("ticket.csv"))
    assert_error(ended, "file-missing", "no such file", f"did you mean {tickets}?")


@pytest.mark.parametrize("asked", [("--text", "txet", "text"), ("--label", "topik", "topic")])
def test_no_such_column_offers_the_nearest(tickets: Path, asked: tuple[str, str, str]) -> None:
    """The columns there are, and the one most likely meant."""
    flag, wrong, right = asked
    words = [f'no column "{wrong}"', 'columns "id", "text", "topic"', f"did you mean {flag} {right}?"]
    assert_error(run("train", tickets, flag, wrong), "no-such-column", *words)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("ladder.budgte=5m", ["ladder.budgte is not a known key", "nearest: ladder.budget"]),
        ("rung.finetune.epoch=1.0", ["rung.finetune.epoch is not a known key", "nearest: rung.finetune.epochs"]),
        ("rung.finetune.learning_rate=-1.0", ["rung.finetune.learning_rate = -1.0", "greater than 0"]),
        ("data.test_share=0.9", ["data.test_share = 0.9", "less than or equal to 0.5"]),
        ("ladder.metric=acuracy", ["did you mean 'accuracy'?"]),
    ],
)
def test_a_wrong_setting(tickets: Path, item: str, words: list[str]) -> None:
    """An unknown key with the nearest known one; a value out of range with its range."""
    assert_error(run("train", tickets, "--set", item), "bad-setting", "one setting is wrong", *words)


@pytest.mark.parametrize("from_python", [True, False])
def test_settings_of_all_sections_are_told_at_once(tickets: Path, from_python: bool) -> None:
    """Those of a rung that is not climbed among them."""
    words = ["2 settings are wrong", "run.seed = -1", "rung.finetune.epochs = -1.0"]
    if from_python:
        wrong = {"run.seed": -1, "rung.finetune.epochs": -1.0}
        with pytest.raises(ConfigError, match="bad-setting") as caught:
            tunesmith.train(tickets, rungs=["linear"], options=wrong)
        assert not [word for word in words if word not in " ".join(str(caught.value).split())]
    else:
        flags = ["--rungs", "linear", "--seed", "-1", "--set", "rung.finetune.epochs=-1.0"]
        assert_error(run("train", tickets, *flags), "bad-setting", *words)


@pytest.mark.parametrize(("poolings", "word"), [("[]", "at least 1 item"), ("['meen']", "did you mean 'mean'?")])
def test_poolings_are_looked_up_before_any_data_is_read(tmp_path: Path, poolings: str, word: str) -> None:
    """The file is not even there."""
    ended = run("train", tmp_path / "nowhere.csv", "--set", f"rung.probe.poolings={poolings}")
    assert_error(ended, "bad-setting", "rung.probe.poolings", word)


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--set", f"run.seed={'x' * 500}"], "bad-setting"),
        (["--set", f"rung.finetune.epochs={'x' * 500}"], "bad-setting"),
        (["--metric", "x" * 500], "bad-setting"),
        (["--rungs", "x" * 500], "bad-setting"),
        (["--budget", "x" * 500], "bad-budget"),
        (["--device", "x" * 500], "unknown-device"),
    ],
)
def test_a_long_value_does_not_fill_the_screen(tickets: Path, flags: list[str], error: str) -> None:
    """Its beginning says which it was."""
    ended = run("train", tickets, *flags)
    assert_error(ended, error)
    assert 20 < max(map(len, re.findall("x+", ended.err))) <= 80


def test_a_wrong_setting_of_a_recipe_file(tickets: Path, tmp_path: Path) -> None:
    """All problems of the file are told at once."""
    recipe = tmp_path / "run.toml"
    recipe.write_text('[ladder]\nbudgte = "5m"\n[run]\nseed = -1\n', "utf-8")
    words = ["2 settings are wrong", "ladder.budgte", "run.seed = -1", "greater than or equal to 0"]
    assert_error(run("train", tickets, "--config", recipe), "bad-setting", *words)


@pytest.mark.parametrize("flags", [["--budget", "-3"], ["--budget=-3"], ["--set", "ladder.budget='-3'"]])
def test_a_budget_of_minus_three(tickets: Path, flags: list[str]) -> None:
    """What a budget can be is told."""
    assert_error(run("train", tickets, *flags), "bad-budget", 'found "-3"', "90s, 10m, 1h30m", "--budget 10m")


def test_a_base_that_is_nowhere_is_told_before_any_work(
    tmp_path: Path, tickets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without network there is only what lies on this machine; no rung is climbed before that is said."""
    monkeypatch.chdir(tmp_path)  # of a long path the end would be left out
    ended = run("train", tickets, "--base", "./no-such-base", "--offline", "--out", tmp_path / "m")
    assert_error(ended, "base-missing", "no-such-base", "the hub was not asked (--offline)", "--base DIR")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("there", "code", "word"),
    [
        (["pytorch_model.bin"], "pickle-refused", "published as safetensors"),
        (["model-00001-of-00002.safetensors", "model.safetensors.index.json"], "weights-in-parts", "max_shard_size"),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_a_base_with_weights_of_another_form(
    there: list[str], code: str, word: str, *, flags: list[str], base: Path, tickets: Path, tmp_path: Path
) -> None:
    """A folder that has weights, only not as one safetensors file, is told so, and not that a file is missing."""
    folder = tmp_path / "base"
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("model.safetensors"))
    for name in there:
        (folder / name).write_bytes(b"")
    ended = run("train", tickets, "--base", folder, "--out", tmp_path / "m", "--rungs", "probe", *flags)
    assert_error(ended, code, str(folder), word, code=3)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_plan_that_is_not_there_leaves_no_trace(tmp_path: Path, tickets: Path, quick: list[str]) -> None:
    """Not even the beginning of a plan of its own, which a later --resume would take for a finished run's."""
    ended = run("train", tickets, *quick, "--out", tmp_path / "m", "--plan", tmp_path / "plan.jsonl")
    assert_error(ended, "plan-missing", "plan.jsonl", "no such plan to follow")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_nobody_knows(tickets: Path, tmp_path: Path) -> None:
    """A dry run says what a real one would."""
    for flags in (["--dry-run"], ["--out", str(tmp_path / "m")]):
        assert_error(
            run("train", tickets, "--device", "tpu", *flags), "unknown-device", '"tpu"', "auto, cpu, cuda, mps"
        )


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, "recipe-missing", ["run.toml", "No such file"]),
        ("[ladder\n", "recipe-damaged", ["run.toml", "not valid TOML", "line 1"]),
    ],
)
def test_a_recipe_that_cannot_be_read(
    tickets: Path, tmp_path: Path, content: str | None, error: str, words: list[str]
) -> None:
    """Which file, and where in it."""
    recipe = tmp_path / "run.toml"
    if content is not None:
        recipe.write_text(content, "utf-8")
    assert_error(run("train", tickets, "--config", recipe), error, *words)


def test_a_model_that_is_there_is_not_replaced(tickets: Path, probed: Model, quick: list[str]) -> None:
    """Both ways on are named."""
    ended = run("train", tickets, "--out", probed.folder, *quick)
    assert_error(ended, "out-exists", str(probed.folder), "--resume", "--force")


@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_what_is_no_model_is_never_replaced(tickets: Path, tmp_path: Path, quick: list[str], what: str) -> None:
    """Not even with --force."""
    precious = tmp_path / "notes" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine", "utf-8")
    out = precious if what == "a file" else precious.parent
    assert_error(run("train", tickets, "--out", out, "--force", *quick), "out-not-a-model", "not replaced")
    assert precious.read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["model.safetensors", "report.html", "1_Pooling/config.json"])
@pytest.mark.parametrize("command", ["predict", "info"])
def test_a_changed_file_of_a_bundle(copied: Callable[[], Path], command: str, name: str) -> None:
    """One bit is enough; the file is named, and no answer given."""
    bundle = copied()
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    ended = run(command, bundle, *(["--text", "hi"] if command == "predict" else []))
    assert_error(ended, "bundle-changed", name, "SHA-256", code=3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pytorch_model.bin", b"", ["a name that ends in .bin"]),
        ("model.safetensors", b"\x80\x04K\x01.", ["the first bytes of a pickle of protocol 4"]),
        ("notes.txt", b"PK\x03\x04", ["as torch.save and numpy write them"]),
    ],
)
def test_a_pickle_in_a_bundle(copied: Callable[[], Path], name: str, content: bytes, words: list[str]) -> None:
    """It is refused by name, before anything opens it."""
    bundle = copied()
    (bundle / name).write_bytes(content)
    ended = run("predict", bundle, "--text", "hi")
    assert_error(ended, "pickle-refused", name, "never opened", ".safetensors", *words, code=3)


def test_a_newer_format(copied: Callable[[], Path], tickets: Path) -> None:
    """It says which format and what to do, whatever else that version may have changed."""
    bundle = copied()
    facts = json.loads((bundle / "tunesmith.json").read_text("utf-8"))
    (bundle / "tunesmith.json").write_text(json.dumps({**facts, "format": 99, "novelty": True}), "utf-8")
    words = ["a newer tunesmith", "found format 99", "pip install --upgrade tunesmith"]
    assert_error(run("evaluate", bundle, tickets), "newer-format", *words, code=3)


def test_windows_longer_than_the_encoder_can_read(copied: Callable[[], Path]) -> None:
    """A manifest made anew vouches for any number; it is refused before a text is read, not at the first long one."""
    bundle = copied()
    facts = json.loads((bundle / "tunesmith.json").read_text("utf-8"))
    for length, code in ((64, 0), (65, 3)):
        facts["tokens"]["max_seq_length"] = length
        (bundle / "tunesmith.json").write_text(json.dumps(facts), "utf-8")
        write_manifest(bundle, record=RECORD)
        ended = run("predict", bundle, "--text", "hi")
        assert ended.code == code, ended.err
    words = ["windows are longer than the encoder can read", "tokens.max_seq_length = 65", "3 to 64"]
    assert_error(ended, "facts-damaged", *words, code=3)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    """The command that makes one is named."""
    assert_error(run("info", tmp_path), "not-a-bundle", "no tunesmith.json", "'tunesmith train'", code=3)


def test_a_label_that_the_model_does_not_know(probed: Model, tmp_path: Path) -> None:
    """Figures over rows that no answer can be right on would mislead."""
    data = tmp_path / "new.csv"
    data.write_text("text,topic\nwhere is my card?,card\nwho are you?,small talk\n", "utf-8")
    ended = run("evaluate", probed.folder, data, "--quiet")
    assert_error(ended, "unseen-label", '"small talk" in 1 row (', '"card", "delivery", "refund"')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], ["no such command 'trian'", "tunesmith --help"]),
        (["info"], ["tunesmith info: missing argument", "tunesmith info --help"]),
        (["train", "x.csv", "--rung", "probe"], ["no such option: --rung", "--rungs"]),
        (["train", "x.csv", "--seed", "one"], ["'--seed'", "a valid integer"]),
    ],
)
def test_a_command_line_that_is_wrong(arguments: list[str], words: list[str]) -> None:
    """Flags and arguments are complained about like anything else."""
    assert_error(run(*arguments), "bad-usage", *words)


@pytest.mark.parametrize(
    ("arguments", "error"), [([], "nothing-to-predict"), (["data.csv", "--text", "hi"], "two-inputs")]
)
def test_one_input_is_wanted(probed: Model, arguments: list[str], error: str) -> None:
    """Either a file or texts."""
    assert_error(run("predict", probed.folder, *arguments), error, "either a file", "--text")


def test_an_ending_that_is_no_format(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """The known ones are told, and nothing is written."""
    ended = run("predict", probed.folder, tickets, "--out", tmp_path / "answers.xlsx")
    assert_error(ended, "unknown-format", "answers.xlsx", ".csv, .jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_our_own_is_told_as_one(monkeypatch: pytest.MonkeyPatch, tickets: Path) -> None:
    """Exit 70, one screen, no traceback: it is not the user's fault."""
    monkeypatch.setattr("tunesmith.api.measure.check", lambda *_, **__: 1 / 0)
    words = ["ZeroDivisionError", "a bug of tunesmith", "TUNESMITH_DEBUG=1"]
    assert_error(run("check", tickets), "internal", *words, code=70)


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With TUNESMITH_DEBUG=1 it comes before the error."""
    monkeypatch.setenv("TUNESMITH_DEBUG", "1")
    ended = run("info", tmp_path)
    assert ended.code == 3
    assert ended.err.startswith("Traceback")
    assert "error[not-a-bundle]" in ended.err


def test_two_rows_of_two_labels_are_too_few_and_four_are_enough(tmp_path: Path, quick: list[str]) -> None:
    """The smallest files either train to the end or are refused in words."""
    data = tmp_path / "few.csv"
    data.write_text(_TWO, "utf-8")
    ended = run("train", data, "--out", tmp_path / "m", *quick)
    assert_error(ended, "too-few-rows", "2 rows, 2 labels")
    data.write_text(_TWO + "my card is lost,card\nmy parcel is late,delivery\n", "utf-8")
    rungs = ["--rungs", "linear,probe,finetune", "--set", "rung.finetune.epochs=1.0", "--set", "ladder.min_gain=0.0"]
    ended = run("train", data, "--out", tmp_path / "m", *quick, *rungs)
    assert ended.code == 0, ended.err
