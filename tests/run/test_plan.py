"""Decisions are written down before they are acted on, and taken again afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import ArtifactError, ConfigError, ResourceError
from tunesmith.run.plan import Plan, PlanHeader

HEADER = PlanHeader(recipe="r" * 13, data="d" * 13, base="b" * 13, versions="v" * 13, cpu="EPYC")


def never() -> Any:
    """A clock that must not be asked."""
    pytest.fail("a decision already written down was made again")


def value(of: Any) -> Callable[[], Any]:
    """A measurement that gives this."""
    return lambda: of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the run's own plan lies."""
    return tmp_path / "plan.jsonl"


def write_plan(path: Path, **decisions: Any) -> Plan:
    """Make a plan with these decisions."""
    plan = Plan.open(path, HEADER)
    for key, of in decisions.items():
        plan.decide(key, value(of))
    return plan


def test_a_decision_is_on_the_disk_before_it_is_given(path: Path) -> None:
    """The file after each decision has exactly one line more, in the documented form."""
    plan = Plan.open(path, HEADER)
    header = {"plan": 1, "recipe": "r" * 13, "data": "d" * 13, "base": "b" * 13, "versions": "v" * 13, "cpu": "EPYC"}
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [header]
    assert not plan.following
    assert plan.decide("threads", value(2)) == 2
    assert plan.decide("finetune.steps", value({"steps": 812, "rate": 0.1})) == {"steps": 812, "rate": 0.1}
    lines = path.read_text("utf-8").splitlines()
    assert lines[1:] == [
        '{"n": 1, "key": "threads", "value": 2}',
        '{"n": 2, "key": "finetune.steps", "value": {"steps": 812, "rate": 0.1}}',
    ]
    assert plan.n_decisions == 2


def test_a_decision_is_synced_before_it_is_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last thing that happens to the plan's file before ``decide`` returns is a sync of the whole line."""
    plan = Plan.open(path, HEADER)
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    plan.decide("threads", value(2))
    assert synced[-1] == path.read_bytes()
    assert synced[-1].endswith(b'"threads", "value": 2}\n')


def test_a_decision_that_cannot_be_written_is_not_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk refuses, ``decide`` raises and counts nothing; the next try may succeed."""
    plan = Plan.open(path, HEADER)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        with pytest.raises(ResourceError, match="no room left"):
            plan.decide("threads", value(2))
    assert plan.n_decisions == 0
    assert plan.decide("threads", value(3)) == 3
    assert Plan.open(path, HEADER).decide("threads", never) == 3


def test_a_resumed_run_takes_its_decisions_again(path: Path) -> None:
    """Recorded decisions come back in order without asking; then new ones are made and numbered on."""
    write_plan(path, threads=2, steps=[1, 2.5])
    plan = Plan.open(path, HEADER)
    assert plan.following
    assert plan.decide("threads", never) == 2
    assert plan.decide("steps", never) == [1, 2.5]
    assert not plan.following
    assert plan.decide("stop", value(True)) is True
    assert json.loads(path.read_text("utf-8").splitlines()[-1]) == {"n": 3, "key": "stop", "value": True}


@pytest.mark.parametrize("of", [(1, 2), {"a": (0.1, None)}, 0.1 + 0.2, 1e-323, "größe \n", None, True, -0.0, 2**60])
def test_a_value_is_the_same_when_made_and_when_read_again(path: Path, of: Any) -> None:
    """Both lives of a run see what JSON gives back, to the last bit and type."""
    made = Plan.open(path, HEADER).decide("key", value(of))
    again = Plan.open(path, HEADER).decide("key", never)
    assert repr(made) == repr(again)


def test_the_next_decision_is_announced(path: Path, tmp_path: Path) -> None:
    """That one and no other, whether it is one's own or of a plan that is followed; nothing is taken by asking."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8)
    Plan.open(path, HEADER, follow=other).decide("threads", never)
    plan = Plan.open(path, HEADER, follow=other)
    for expected in ("threads", "steps", None):
        told = {key: plan.announces(key) for key in ("threads", "steps", "stop")}
        assert told == {key: key == expected for key in told}
        if expected is not None:
            plan.decide(expected, never)
    plan.decide("stop", value(True))
    assert not plan.announces("stop")
    assert not Plan.open(tmp_path / "new.jsonl", HEADER).announces("threads")


def test_a_value_json_does_not_have_is_our_own_bug(path: Path) -> None:
    """NaN in a decision is refused before anything is written."""
    plan = Plan.open(path, HEADER)
    with pytest.raises(ValueError, match="not JSON compliant"):
        plan.decide("rate", value(float("nan")))
    assert len(path.read_text("utf-8").splitlines()) == 1


def test_another_decision_than_recorded_is_refused(path: Path) -> None:
    """The error says line, expected and found."""
    write_plan(path, threads=2, steps=8)
    plan = Plan.open(path, HEADER)
    plan.decide("threads", never)
    with pytest.raises(ConfigError, match=r"another\sdecision\sthan\sits\splan") as caught:
        plan.decide("precision", never)
    error = caught.value
    assert (error.code, error.exit_code, error.where) == ("plan-differs", 2, f"{path}:3")
    assert error.found == 'the plan decides "steps"'
    assert error.allowed == 'a decision on "precision"'


@pytest.mark.parametrize("name", ["recipe", "data", "base"])
@pytest.mark.parametrize("follow", [False, True])
def test_a_plan_for_another_recipe_data_or_base_is_refused(path: Path, tmp_path: Path, name: str, follow: bool) -> None:
    """Opening one's own as well as following another's; what differs is listed, with both digests."""
    write_plan(path, threads=2)
    other = PlanHeader(**{**{n: getattr(HEADER, n) for n in HEADER.__slots__}, name: "x" * 64})
    own = tmp_path / "own.jsonl" if follow else path
    with pytest.raises(ConfigError, match=f"made for other {name}") as caught:
        Plan.open(own, other, follow=path if follow else None)
    assert caught.value.code == "plan-differs"
    assert caught.value.where == f"{path}:1"
    assert caught.value.found == f"{name} {name[0] * 12}"
    assert caught.value.allowed == f"{name} {'x' * 12}"


def test_all_differences_are_listed(path: Path) -> None:
    """All that differs is told at once."""
    write_plan(path)
    with pytest.raises(ConfigError, match="plan-differs") as caught:
        Plan.open(path, PlanHeader(recipe="x", data="y", base="z", versions="v", cpu="c"))
    assert caught.value.message == "the plan was made for other recipe and other data and other base"


def test_other_versions_or_cpu_are_noted_and_not_refused(path: Path) -> None:
    """The plan can be followed; the user is told that the bytes may differ."""
    write_plan(path, threads=2)
    plan = Plan.open(
        path, PlanHeader(recipe=HEADER.recipe, data=HEADER.data, base=HEADER.base, versions="w", cpu="Xeon")
    )
    assert len(plan.notes) == 2
    assert "other versions" in plan.notes[0]
    assert "other cpu" in plan.notes[1]
    assert Plan.open(path, HEADER).notes == ()


def test_following_another_plan_makes_the_own_one_whole(path: Path, tmp_path: Path) -> None:
    """Decisions taken from the other are written down too; where it ends, new ones are; the other is not touched."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8)
    before = other.read_bytes()
    plan = Plan.open(path, HEADER, follow=other)
    assert plan.following
    assert plan.decide("threads", never) == 2
    assert len(path.read_text("utf-8").splitlines()) == 2
    assert plan.decide("steps", never) == 8
    assert not plan.following
    plan.decide("stop", value(False))
    assert other.read_bytes() == before
    assert path.read_bytes() == before + b'{"n": 3, "key": "stop", "value": false}\n'


def test_a_killed_run_that_follows_goes_on_following(path: Path, tmp_path: Path) -> None:
    """Its own decisions come first, then the rest of the other's, none twice."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8, stop=True)
    Plan.open(path, HEADER, follow=other).decide("threads", never)
    plan = Plan.open(path, HEADER, follow=other)
    assert [plan.decide(key, never) for key in ("threads", "steps", "stop")] == [2, 8, True]
    assert path.read_bytes() == other.read_bytes()


def test_a_run_that_decided_otherwise_cannot_follow(path: Path, tmp_path: Path) -> None:
    """The own plan must be a beginning of the other, or the other of it."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8)
    write_plan(path, threads=1)
    with pytest.raises(ConfigError, match="already decided otherwise") as caught:
        Plan.open(path, HEADER, follow=other)
    assert caught.value.where == f"{path}:2"
    assert "2" in f"{caught.value.allowed}"


def test_a_plan_that_is_not_there_cannot_be_followed(path: Path, tmp_path: Path) -> None:
    """A mistyped ``--plan`` is told."""
    with pytest.raises(ConfigError, match="no such plan") as caught:
        Plan.open(path, HEADER, follow=tmp_path / "nowhere.jsonl")
    assert caught.value.code == "plan-missing"


def test_seek_passes_over_what_a_checkpoint_has_behind_it(path: Path) -> None:
    """A run that goes on from a checkpoint asks only for later decisions."""
    write_plan(path, threads=2, steps=8, stop=False)
    plan = Plan.open(path, HEADER)
    plan.seek(2)
    assert plan.n_decisions == 2
    assert plan.decide("stop", never) is False


def test_seek_beyond_what_was_written_is_refused(path: Path, tmp_path: Path) -> None:
    """A checkpoint made after decisions that the plan has lost cannot be gone on from; a followed plan is no help."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8)
    plan = Plan.open(path, HEADER, follow=other)
    with pytest.raises(ArtifactError, match=r"lost\sdecisions\sthat\swere\sacted\son") as caught:
        plan.seek(1)
    assert caught.value.code == "plan-damaged"


def test_torn_at_every_byte_of_the_last_line(path: Path) -> None:
    """Whole decisions before it survive, the torn one is cut off and made anew, and the file is sound afterwards."""
    write_plan(path, threads=2, steps={"größe": 8}, stop=True)
    whole = path.read_bytes()
    begin = whole.rfind(b"\n", 0, -1) + 1
    for length in range(begin, len(whole)):
        path.write_bytes(whole[:length])
        plan = Plan.open(path, HEADER)
        assert path.read_bytes() == whole[:begin]
        assert [plan.decide("threads", never), plan.decide("steps", never)] == [2, {"größe": 8}]
        assert plan.decide("stop", value(True)) is True
        assert path.read_bytes() == whole


def test_torn_at_every_byte_of_the_header(path: Path) -> None:
    """A plan whose first line is torn has no decisions and begins anew."""
    write_plan(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert not Plan.open(path, HEADER).following
        assert path.read_bytes() == whole


def test_zeros_that_a_power_cut_left_are_cut_off(path: Path) -> None:
    """A file made longer and not filled ends in zero bytes, with or without the line's end."""
    write_plan(path, threads=2)
    whole = path.read_bytes()
    for tail in (b"\0" * 50, b'{"n": 2, ' + b"\0" * 20 + b"}\n"):
        path.write_bytes(whole + tail)
        Plan.open(path, HEADER)
        assert path.read_bytes() == whole


def test_a_followed_plan_with_a_torn_end_is_followed_up_to_it(path: Path, tmp_path: Path) -> None:
    """The other's file stays as it is."""
    other = tmp_path / "other.jsonl"
    write_plan(other, threads=2, steps=8)
    torn = other.read_bytes()[:-4]
    other.write_bytes(torn)
    plan = Plan.open(path, HEADER, follow=other)
    assert plan.decide("threads", never) == 2
    assert not plan.following
    assert other.read_bytes() == torn


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "{}"),
        (1, '{"plan": 1}'),
        (1, "[]"),
        (2, "garbage"),
        (2, '{"n": 2, "key": "threads", "value": 2}'),
        (2, '{"n": 1, "key": 5, "value": 2}'),
        (2, '{"n": 1, "key": "threads"}'),
        (2, '{"n": 1, "key": "threads", "value": NaN}'),
        (3, '{"n": 1, "key": "threads", "value": 2}'),
        (2, ""),
        (2, "[" * 5000),
        (2, '{"n": 1, "n": 1, "key": "threads", "value": 2}'),
    ],
)
def test_a_damaged_earlier_line_is_refused_by_number(path: Path, line: int, text: str) -> None:
    """Damage in the middle is never cut off: decisions after it were acted on."""
    write_plan(path, threads=2, steps=8, stop=True)
    lines = path.read_text("utf-8").splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(ArtifactError, match=f"plan.jsonl:{line}: ") as caught:
        Plan.open(path, HEADER)
    assert caught.value.exit_code == 3
    assert path.read_text("utf-8") == "\n".join(lines) + "\n"


def test_an_empty_file_cannot_be_followed(path: Path, tmp_path: Path) -> None:
    """It is no plan."""
    (tmp_path / "other.jsonl").write_bytes(b"")
    with pytest.raises(ArtifactError, match="line of the plan is damaged"):
        Plan.open(path, HEADER, follow=tmp_path / "other.jsonl")


def test_a_newer_plan_is_refused(path: Path) -> None:
    """A later tunesmith's plan is not guessed at."""
    write_plan(path)
    path.write_text(path.read_text("utf-8").replace('"plan": 1', '"plan": 2'), "utf-8")
    with pytest.raises(ArtifactError, match="newer tunesmith") as caught:
        Plan.open(path, HEADER)
    assert caught.value.code == "newer-format"
