"""``tunesmith compress --to cascade``, and what its model says of itself, which is checked before a stage is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.schema import read_facts
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.runtimes import engines

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def told(probed: Model) -> dict[str, Any]:
    """The description of a cascade of two stages."""
    facts: dict[str, Any] = json.loads((probed.folder / "tunesmith.json").read_text("utf-8"))
    tokens = facts["tokens"]
    first = {"kind": "static", "tokens": tokens, "runtime": None, "temperature": 1.0, "least_margin": 0.4}
    return {**facts, "kind": "cascade", "cascade": [first, {**first, "kind": "encoder", "least_margin": None}]}


def written(told: dict[str, Any], folder: Path) -> Path:
    """A folder with nothing but the description."""
    (folder / "tunesmith.json").write_text(json.dumps(told), "utf-8")
    return folder


def test_a_cascade_is_a_model_like_any_other(probed: Model, tickets: Path, tmp_path: Path) -> None:
    """Every command takes it; it says what its stages answer, and a stage that was tampered with is refused."""
    out = tmp_path / "quick.model"
    how = ["--to", "cascade", "--max-loss", "30", "--threads", "1", "--json"]
    found = run("compress", probed.folder, "--data", tickets, "--out", out, *how).json()
    assert problems("compress.json", found) == []
    assert found["notes"][0].startswith("static answers ")
    assert problems("bundle-cascade.json", json.loads((out / "tunesmith.json").read_text("utf-8"))) == []
    assert sorted(path.name for path in (out / "stages").iterdir()) == ["0", "1"]
    assert "cascade, rung probe" in run("info", out).out
    assert run("predict", out, "--text", "my card is lost", "--json").json()["label"]
    assert run("evaluate", out, tickets, "--json").json()["metrics"]["accuracy"]["value"] > 0.6
    assert_error(run("export", out, "--to", "onnx"), "kind-not-exportable", code=2)
    assert_error(run("compress", out, "--data", tickets), "kind-not-compressible", code=2)
    (out / "stages" / "1" / "head.safetensors").write_bytes(b"\0" * 64)
    assert_error(run("predict", out, "--text", "my card is lost"), "bundle-changed", code=3)


def test_a_cascade_of_two_stages_is_read(told: dict[str, Any], tmp_path: Path) -> None:
    """The last takes all that is left."""
    facts = read_facts(written(told, tmp_path))
    assert facts.cascade is not None
    assert [stage.least_margin for stage in facts.cascade] == [0.4, None]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda told: told.update(cascade=None), "cascade and kind"),
        (lambda told: told.update(kind="encoder"), "cascade and kind"),
        (lambda told: told["cascade"].pop(), "2 to 4 stages"),
        (lambda told: told["cascade"].insert(0, told["cascade"][1]), "each but the last with a least margin"),
        (lambda told: told.update(cascade=[*[told["cascade"][0]] * 4, told["cascade"][1]]), "2 to 4 stages"),
        (lambda told: told["cascade"][0].update(kind="adapter"), r"cascade\.0\.kind = adapter"),
        (lambda told: told["cascade"][1].update(kind="runtime"), r"cascade\.1\.runtime and kind"),
        (lambda told: told["cascade"][0].update(temperature=0.0), r"cascade\.0\.temperature"),
        (lambda told: told["cascade"][1]["tokens"].update(pooling="none"), r"tokens\.pooling = \"none\""),
        (lambda told: told["cascade"][1]["tokens"].update(pairing="ordered"), r"tokens\.pairing and data\.pair"),
    ],
)
def test_stages_that_are_none_are_refused(told: dict[str, Any], tmp_path: Path, change: Change, problem: str) -> None:
    """Whoever writes a folder by hand is told what is wrong with it."""
    told = json.loads(json.dumps(told))  # no two stages share a part
    change(told)
    with pytest.raises(ArtifactError, match=problem) as caught:
        read_facts(written(told, tmp_path))
    assert caught.value.code == "facts-damaged"


def test_a_stage_whose_runtime_is_missing_is_told_before_a_stage_is_read(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing in the folder that could be read."""
    last = {**told["cascade"][1], "kind": "runtime", "runtime": {"name": "onnxruntime", "precision": "float32"}}
    facts = read_facts(written({**told, "cascade": [told["cascade"][0], last]}, tmp_path))
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    with pytest.raises(ConfigError, match="onnxruntime") as caught:
        KINDS.member("cascade").load(tmp_path, facts)
    assert caught.value.code == "package-missing"


def test_our_own_engine_multiplies_whole_numbers_alone(told: dict[str, Any], tmp_path: Path) -> None:
    """A stage, or a model, that says otherwise was not written by us."""
    last = {**told["cascade"][1], "kind": "runtime", "runtime": {"name": "flat", "precision": "float32"}}
    with pytest.raises(ArtifactError, match=r"cascade\.1\.runtime\.precision = float32"):
        read_facts(written({**told, "cascade": [told["cascade"][0], last]}, tmp_path))
    alone = {**told, "kind": "runtime", "runtime": last["runtime"], "cascade": None}
    with pytest.raises(ArtifactError, match="float32: the runtime flat multiplies int8"):
        read_facts(written(alone, tmp_path))
