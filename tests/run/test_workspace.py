"""When a run may begin, what is cleared and what stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunesmith.errors import ConfigError
from tunesmith.files.manifest import write_manifest
from tunesmith.run.lock import RunLock
from tunesmith.run.workspace import Start, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A place where nothing is yet."""
    return Workspace(tmp_path / "tickets.model")


def prepare(workspace: Workspace, *, resume: bool = False, force: bool = False, follow: Path | None = None) -> Start:
    """Prepare under a lock and let go of it, as a run that is killed later."""
    with RunLock(workspace.lock) as lock:
        return workspace.prepare(lock, resume=resume, force=force, follow=follow)


def model(folder: Path, content: str = "{}") -> None:
    """A model folder, closed by a manifest."""
    folder.mkdir(parents=True)
    (folder / "tunesmith.json").write_text(content, "utf-8")
    write_manifest(folder)


def work(workspace: Workspace) -> None:
    """What a run leaves that was killed in the middle."""
    prepare(workspace)
    for folder in (workspace.checkpoints, workspace.features, workspace.next):
        folder.mkdir()
        (folder / "some.safetensors").write_bytes(b"x")
    for file in (workspace.plan, workspace.journal, workspace.log):
        file.write_bytes(b"{}\n")


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_the_names_are_those_of_the_design(workspace: Workspace) -> None:
    """Beside OUT, never in it."""
    assert workspace.folder == workspace.out.with_name("tickets.model.work")
    attributes = ["plan", "journal", "log", "lock", "checkpoints", "features", "next"]
    expected = ["plan.jsonl", "journal.jsonl", "log.jsonl", "lock", "checkpoints", "features", "next"]
    assert [getattr(workspace, name).relative_to(workspace.folder).as_posix() for name in attributes] == expected


def test_a_first_run_is_fresh_and_marked_unfinished(workspace: Workspace) -> None:
    """Only the journal, empty, lies there; OUT is not made."""
    assert prepare(workspace) == "fresh"
    assert names(workspace.folder) == ["journal.jsonl"]
    assert not workspace.out.exists()


def test_a_model_that_is_there_is_not_replaced_unasked(workspace: Workspace) -> None:
    """Exit 2 naming both ways out; nothing is left of the attempt."""
    model(workspace.out)
    with pytest.raises(ConfigError, match="there already") as caught:
        prepare(workspace)
    assert (caught.value.code, caught.value.exit_code) == ("out-exists", 2)
    assert "--force" in f"{caught.value.advice}"
    assert "--resume" in f"{caught.value.advice}"
    assert not workspace.folder.exists()


@pytest.mark.parametrize("with_model", [False, True])
def test_an_unfinished_run_is_not_thrown_away_unasked(workspace: Workspace, with_model: bool) -> None:
    """Exit 2 naming both ways out; its work stays."""
    work(workspace)
    before = names(workspace.folder)
    if with_model:
        model(workspace.out)
    with pytest.raises(ConfigError, match=r"did\snot\scome\sto\sits\send") as caught:
        prepare(workspace)
    assert (caught.value.code, caught.value.exit_code) == ("run-unfinished", 2)
    assert "--resume" in f"{caught.value.advice}"
    assert "--force" in f"{caught.value.advice}"
    assert names(workspace.folder) == before


@pytest.mark.parametrize("with_model", [False, True])
def test_resume_goes_on_with_an_unfinished_run(workspace: Workspace, with_model: bool) -> None:
    """Everything is kept, also where an older model is being replaced; temporary files of killed writers go."""
    work(workspace)
    before = names(workspace.folder)
    (workspace.folder / ".tunesmith-0123456789abcdef.tmp").write_bytes(b"half")
    if with_model:
        model(workspace.out)
    assert prepare(workspace, resume=True) == "resumed"
    assert names(workspace.folder) == before


@pytest.mark.parametrize("with_model", [False, True])
def test_there_may_be_nothing_to_resume(workspace: Workspace, with_model: bool) -> None:
    """Neither work nor plan; a model that no run of this place made is no help."""
    if with_model:
        model(workspace.out)
    with pytest.raises(ConfigError, match="no unfinished run") as caught:
        prepare(workspace, resume=True)
    assert caught.value.code == "nothing-to-resume"
    assert not workspace.folder.exists()


def test_resume_of_a_finished_run_says_so(workspace: Workspace) -> None:
    """A script that resumes until all is done must come to an end; what a kill left at the end is cleared."""
    work(workspace)
    model(workspace.out)
    workspace.finish()
    workspace.features.mkdir()
    assert prepare(workspace, resume=True) == "finished"
    assert names(workspace.folder) == ["log.jsonl", "plan.jsonl"]


def test_force_clears_the_work_and_leaves_the_model_until_the_new_one_is_ready(workspace: Workspace) -> None:
    """OUT is untouched; of the work nothing is left but the new mark; what is not ours stays."""
    work(workspace)
    model(workspace.out, "old")
    (workspace.folder / "notes.txt").write_text("mine", "utf-8")
    assert prepare(workspace, force=True) == "fresh"
    assert names(workspace.folder) == ["journal.jsonl", "notes.txt"]
    assert workspace.journal.read_bytes() == b""
    assert (workspace.out / "tunesmith.json").read_text("utf-8") == "old"


def test_a_link_among_the_work_is_removed_and_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    """Somebody may keep features on another disk; what lies there is not ours to clear."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"x")
    prepare(workspace)
    workspace.features.symlink_to(elsewhere)
    workspace.next.symlink_to(tmp_path / "dangling")
    prepare(workspace, force=True)
    assert names(workspace.folder) == ["journal.jsonl"]
    assert names(elsewhere) == ["precious"]


def test_the_remains_of_a_finished_run_whose_model_was_removed_do_not_stand_in_the_way(workspace: Workspace) -> None:
    """A new run begins anew, without the old plan."""
    work(workspace)
    workspace.finish()
    assert prepare(workspace) == "fresh"
    assert names(workspace.folder) == ["journal.jsonl"]


def test_finish_leaves_log_and_plan(workspace: Workspace) -> None:
    """The lock goes with its owner."""
    work(workspace)
    with RunLock(workspace.lock):
        workspace.finish()
        assert names(workspace.folder) == ["lock", "log.jsonl", "plan.jsonl"]
    assert names(workspace.folder) == ["log.jsonl", "plan.jsonl"]


@pytest.mark.parametrize(("resume", "force"), [(False, True), (True, False), (False, False)])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_model_is_never_replaced(workspace: Workspace, resume: bool, force: bool, kind: str) -> None:
    """``--out Documents --force`` must not cost anybody their documents."""
    if kind == "folder":
        workspace.out.mkdir()
        (workspace.out / "taxes.xlsx").write_bytes(b"x")
    else:
        workspace.out.write_bytes(b"x")
    with pytest.raises(ConfigError, match="no model folder") as caught:
        prepare(workspace, resume=resume, force=force)
    assert caught.value.code == "out-not-a-model"
    assert ("taxes.xlsx" if kind == "folder" else "a file") in f"{caught.value.found}"


def test_an_empty_folder_may_be_replaced_by_force(workspace: Workspace) -> None:
    """There is nothing in it to lose; unasked it is refused as every OUT that exists."""
    workspace.out.mkdir()
    with pytest.raises(ConfigError, match="there already"):
        prepare(workspace)
    assert prepare(workspace, force=True) == "fresh"


def test_resume_and_force_exclude_each_other(workspace: Workspace) -> None:
    """They ask for opposite things."""
    with pytest.raises(ConfigError, match="--resume goes on and --force starts anew"):
        prepare(workspace, resume=True, force=True)


def test_a_plan_to_follow_is_not_cleared_before_it_is_read(workspace: Workspace, tmp_path: Path) -> None:
    """``--plan OUT.work/plan.jsonl --force`` is refused and everything stays; a plan elsewhere is fine."""
    work(workspace)
    before = names(workspace.folder)
    with pytest.raises(ConfigError, match="plan-in-the-way") as caught:
        prepare(workspace, force=True, follow=workspace.folder / ".." / workspace.folder.name / "plan.jsonl")
    assert caught.value.code == "plan-in-the-way"
    assert names(workspace.folder) == before
    assert prepare(workspace, force=True, follow=tmp_path / "plan.jsonl") == "fresh"


@pytest.mark.parametrize(("resume", "force"), [(False, True), (True, False)])
def test_a_kill_between_two_renames_is_repaired_first(workspace: Workspace, resume: bool, force: bool) -> None:
    """OUT is missing beside a valid ``next/``: that is the model, and no new start may throw it away."""
    work(workspace)
    (workspace.next / "some.safetensors").unlink()
    workspace.next.rmdir()
    model(workspace.next, "new")
    prepare(workspace, resume=resume, force=force)
    assert (workspace.out / "tunesmith.json").read_text("utf-8") == "new"


def test_a_workspace_is_prepared_only_under_its_own_lock(workspace: Workspace, tmp_path: Path) -> None:
    """Anything else would be our own bug: it could clear the folder under another process."""
    with pytest.raises(AssertionError, match="only under its lock"):
        workspace.prepare(RunLock(workspace.lock), resume=False, force=False)
    with RunLock(tmp_path / "other.work" / "lock") as lock, pytest.raises(AssertionError, match="another workspace"):
        workspace.prepare(lock, resume=False, force=False)


@pytest.mark.parametrize("out", [".", "..", "sub/.."])
def test_a_folder_that_is_named_by_dots_gets_its_work_beside_it(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work folder is named after the folder meant."""
    here = tmp_path / "above" / "here"
    (here / "sub").mkdir(parents=True)
    monkeypatch.chdir(here)
    meant = Path(os.path.realpath(out))
    assert Workspace(Path(out)).folder.resolve() == meant.with_name(f"{meant.name}.work")
