"""Machine output is a contract: every output is valid by a schema that is committed with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.cli.conftest import Model
from tests.cli.running import run
from tests.cli.schemas import FOLDER, MADE, committed, problems, rendered
from tests.cli.small_world import LABELS, rows

from tunesmith.types import JSON


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """A file with something of each severity to find."""
    records = ["text,topic", *(f"{text},{label}" for text, label in rows() if "," not in text)]
    records += ["where is it?,N/A", "WHERE IS IT?,N/A", ",card"]
    path = tmp_path / "messy.csv"
    path.write_text("\n".join(records) + "\n", "utf-8")
    return path


def test_every_schema_is_a_schema() -> None:
    """Draft 2020-12, with a title, and no file that nobody knows of."""
    names = {path.name for path in FOLDER.iterdir()}
    by_hand = {
        "train.json",
        "evaluate.json",
        "predict.json",
        "next.json",
        "check.json",
        "compare.json",
        "doctor.json",
        "compress.json",
        "export.json",
        "dry-run.json",
        "metrics.json",
        "plot.json",
    }
    assert names == by_hand | set(MADE)
    for name in sorted(names):
        schema = committed(name)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["title"]
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", MADE)
def test_made_schemas_are_committed_as_they_are_made(name: str) -> None:
    """After a change of ``Facts``: ``python -m tests.cli.schemas``, and look at what became of the contract."""
    assert (FOLDER / name).read_text("utf-8") == rendered(MADE[name]())


def test_train(climbed: Model) -> None:
    """Three rungs, one of them kept, and figures on the test rows."""
    found = climbed.trained.json()
    assert problems("train.json", found) == []
    assert [rung["name"] for rung in found["rungs"]] == ["linear", "probe", "finetune"]
    assert [rung["name"] for rung in found["rungs"] if rung["kept"]] == [found["kept"]]
    assert found["bundle"] == str(climbed.folder)
    assert sum(row["rows"] for row in found["test"]["per_class"].values()) == 24
    assert found["seconds"] >= sum(rung["seconds"] for rung in found["rungs"])


def test_train_without_test_rows(probed: Model) -> None:
    """``test`` is null, not left out."""
    found = probed.trained.json()
    assert problems("train.json", found) == []
    assert found["test"] is None
    assert found["kept"] == "probe"


@pytest.mark.parametrize("kind", ["climbed", "probed"])
def test_evaluate(kind: str, tickets: Path, request: pytest.FixtureRequest) -> None:
    """Every row is measured, on either kind of model."""
    found = run("evaluate", request.getfixturevalue(kind).folder, tickets, "--json").json()
    assert problems("evaluate.json", found) == []
    assert found["rows"] == 120
    assert found["metrics"]["confusion"]["labels"] == list(LABELS)
    assert sum(map(sum, found["metrics"]["confusion"]["counts"])) == 120


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("kind", ["climbed", "probed"])
def test_predict(kind: str, everything: bool, tickets: Path, request: pytest.FixtureRequest) -> None:
    """One object a line, in the order of the input; a bag of words has no tokens to tell."""
    folder = request.getfixturevalue(kind).folder
    found = run("predict", folder, tickets, "--json", *(["--all"] if everything else [])).lines()
    assert [problem for answer in found for problem in problems("predict.json", answer)] == []
    assert [answer["row"] for answer in found] == list(range(1, 121))
    for answer in found:
        assert ("probabilities" in answer) == everything
        assert (answer["n_tokens"] is None) == (answer["n_windows"] is None) == (kind == "climbed")
        if everything:
            assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
            assert answer["probability"] == max(answer["probabilities"].values())


def test_predict_of_texts(probed: Model) -> None:
    """Texts of the command line are answered in the same form; a long one is read in windows, none is cut."""
    long = " ".join(["where is my card?"] * 40)
    found = run("predict", probed.folder, "--text", "is my card lost?", "--text", long, "--json").lines()
    assert [problem for answer in found for problem in problems("predict.json", answer)] == []
    assert [answer["n_windows"] for answer in found] == [1, 4]
    assert [answer["truncated"] for answer in found] == [False, False]


def test_check(messy: Path) -> None:
    """Findings with the lines of their rows; exit 0, since none is an error."""
    found = run("check", messy, "--json").json()
    assert problems("check.json", found) == []
    assert {finding["code"] for finding in found["findings"]} >= {"duplicate", "empty-text", "null-like-label"}
    last = found["rows"] + 1
    assert next(finding for finding in found["findings"] if finding["code"] == "empty-text")["rows"] == [last]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 2), ("info", 2)])
def test_check_fails_as_asked(messy: Path, fail_on: str, code: int) -> None:
    """Exit 2 from the severity that was named; the findings are printed all the same."""
    ended = run("check", messy, "--json", "--fail-on", fail_on)
    assert ended.code == code
    assert problems("check.json", json.loads(ended.out)) == []


def test_check_exits_2_on_an_error(tmp_path: Path) -> None:
    """Without being asked, a finding that is an error fails."""
    data = tmp_path / "codes.csv"
    data.write_text("text,label\n" + "".join(f"AB{n:04d},{'xy'[n % 2]}\n" for n in range(30)), "utf-8")
    ended = run("check", data, "--json")
    assert ended.code == 2
    assert "id-like-text" in ended.out


def test_doctor() -> None:
    """A look at this very machine."""
    found = run("doctor", "--json").json()
    assert problems("doctor.json", found) == []
    assert found["devices"]["cpu"] == {"present": True, "tested": True}


def test_dry_run(tickets: Path, base: Path, quick: list[str]) -> None:
    """What would be done; without a rung that needs it, nothing is said of a base model."""
    found = run("train", tickets, *quick, "--dry-run", "--json").json()
    assert problems("dry-run.json", found) == []
    assert found["base"].startswith(base.name)
    assert (found["rows"], found["train"], found["validation"]) == (120, 96, 24)
    found = run("train", tickets, "--rungs", "linear", "--base", "nowhere", "--offline", "--dry-run", "--json").json()
    assert problems("dry-run.json", found) == []
    assert found["base"] is None


@pytest.mark.parametrize(("kind", "schema"), [("climbed", "bundle-bag_of_words"), ("probed", "bundle-encoder")])
def test_info_and_the_description_of_a_bundle(kind: str, schema: str, request: pytest.FixtureRequest) -> None:
    """``tunesmith.json`` is as the schema of its kind says, and ``info`` gives it with the size."""
    folder: Path = request.getfixturevalue(kind).folder
    facts = json.loads((folder / "tunesmith.json").read_text("utf-8"))
    assert problems(f"{schema}.json", facts) == []
    found = run("info", folder, "--json").json()
    assert problems("info.json", found) == []
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert found.pop("size_mib") == round(size / 2**20, 2)
    assert found == facts


def test_what_was_found_in_the_data_is_kept_in_the_bundle(messy: Path, tmp_path: Path) -> None:
    """The report and the card can say it only if the bundle does."""
    ended = run("train", messy, "--rungs", "linear", "--budget", "none", "--threads", "1", "--out", tmp_path / "m")
    assert ended.code == 0, ended.err
    notes = run("info", tmp_path / "m", "--json").json()["data"]["notes"]
    assert 'label: column "topic", by its name' in notes
    assert any("with an empty text" in note for note in notes)
    assert all(note in ended.err for note in notes)


def changed(value: JSON, path: tuple[str | int, ...], new: Any) -> JSON:
    """A copy with one value replaced, or taken out where ``new`` is Ellipsis."""
    copy = json.loads(json.dumps(value))
    here = copy
    for key in path[:-1]:
        here = here[key]
    if new is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = new
    return copy


@pytest.mark.parametrize(
    ("path", "new", "told"),
    [
        (("stopped_because",), "bored", "bored"),
        (("novelty",), 1, "novelty"),
        (("test",), ..., "'test' is a required property"),
        (("rungs", 1, "kept"), True, "Too many"),
        (("rungs", 0, "validation", "accuracy", "low"), ..., "'low' is a required property"),
        (("rungs", 0, "validation", "accuracy", "value"), 93.0, "93.0 is greater than the maximum of 1"),
        (("rungs", 0, "validation", "per_class", "card", "f1"), "0.9", "is not of type 'number'"),
    ],
)
def test_an_output_that_breaks_the_contract_is_found(
    probed: Model, path: tuple[str | int, ...], new: Any, told: str
) -> None:
    """A key too many or missing, a share given in percent, two rungs kept: the schema must not pass it."""
    found = probed.trained.json()
    found["rungs"].append({**found["rungs"][0], "kept": False})
    assert problems("train.json", found) == []
    assert any(told in problem for problem in problems("train.json", changed(found, path, new)))


def test_a_bundle_of_the_wrong_kind_is_found(climbed: Model, probed: Model) -> None:
    """An encoder must say its tokens and its base; a bag of words has neither."""
    words, encoder = (json.loads((model.folder / "tunesmith.json").read_text("utf-8")) for model in (climbed, probed))
    assert problems("bundle-encoder.json", words)
    assert problems("bundle-bag_of_words.json", encoder)
    assert problems("bundle-encoder.json", {**encoder, "tokens": None})
    assert problems("bundle-bag_of_words.json", {**words, "base": encoder["base"]})
    assert problems("bundle-encoder.json", {**encoder, "novelty": 1})
