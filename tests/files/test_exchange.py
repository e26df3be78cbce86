"""A finished folder takes the place of another; a writer killed at any moment leaves something that can be used."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunesmith.errors import ResourceError
from tunesmith.files import exchange
from tunesmith.files.exchange import exchange_folders, settle
from tunesmith.files.manifest import verify_manifest, write_manifest


def folder(path: Path, content: str) -> Path:
    """A finished folder with one file."""
    path.mkdir(parents=True)
    (path / "x.txt").write_text(content)
    write_manifest(path)
    return path


def content(path: Path) -> str:
    """What a sound folder holds."""
    verify_manifest(path)
    return (path / "x.txt").read_text()


@pytest.fixture(params=["swap", "renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to exchange: the kernel's swap, and three renames where there is none."""
    if request.param == "renames":
        monkeypatch.setattr(exchange, "_swap", lambda new, out: False)
    elif sys.platform != "linux":
        pytest.skip("only Linux swaps two names in one step")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_the_first_folder_is_renamed_and_later_ones_are_exchanged(tmp_path: Path) -> None:
    """After an exchange the old folder lies where the new one was."""
    out, new = tmp_path / "t.model", tmp_path / "t.model.work" / "next"
    exchange_folders(folder(new, "first"), out)
    assert content(out) == "first"
    assert not new.exists()
    exchange_folders(folder(new, "second"), out)
    assert (content(out), content(new)) == ("second", "first")
    assert list(new.parent.iterdir()) == [new]


def test_the_kernel_swaps_here(tmp_path: Path) -> None:
    """On this file system the one-step way is the one that is taken, or the tests above prove less than they say."""
    if sys.platform != "linux":
        pytest.skip("only Linux swaps two names in one step")
    assert exchange._swap(folder(tmp_path / "a", "a"), folder(tmp_path / "b", "b"))
    assert content(tmp_path / "a") == "b"


@pytest.mark.usefixtures("way")
def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    """OUT may be a link to where models are kept; the folder behind it is exchanged."""
    folder(tmp_path / "kept" / "v1", "old")
    (tmp_path / "out").symlink_to("kept/v1")
    exchange_folders(folder(tmp_path / "next", "new"), tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert content(tmp_path / "kept" / "v1") == "new"


@pytest.mark.usefixtures("way")
def test_a_missing_new_folder_changes_nothing(tmp_path: Path) -> None:
    """The old folder is still in its place after the error, and nothing is left aside."""
    out = folder(tmp_path / "out", "old")
    with pytest.raises(ResourceError, match=r"error\[write-failed\]: .*out: (.|\n)*No such file"):
        exchange_folders(tmp_path / "next", out)
    assert content(out) == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_system_without_the_swap_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EINVAL from the kernel means that the three renames are taken."""
    monkeypatch.setattr(exchange, "_RENAME_EXCHANGE", 1 << 20)
    exchange_folders(folder(tmp_path / "next", "new"), folder(tmp_path / "out", "old"))
    assert (content(tmp_path / "out"), content(tmp_path / "next")) == ("new", "old")


def test_what_an_older_kill_set_aside_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder left aside by a kill after the second rename is replaced by the next exchange."""
    monkeypatch.setattr(exchange, "_swap", lambda new, out: False)
    folder(tmp_path / "next.previous", "oldest")
    exchange_folders(folder(tmp_path / "next", "new"), folder(tmp_path / "out", "old"))
    assert (content(tmp_path / "out"), content(tmp_path / "next")) == ("new", "old")
    assert not (tmp_path / "next.previous").exists()


def test_settle_finds_each_state_a_kill_can_leave(tmp_path: Path) -> None:
    """OUT there: as is. Missing: a valid next, else the previous one, else nothing; a damaged folder never."""
    out, new, previous = tmp_path / "out", tmp_path / "next", tmp_path / "next.previous"
    assert settle(out, new) == "nothing"
    folder(out, "old")
    folder(new, "new")
    assert settle(out, new) == "as-is"
    assert content(out) == "old"
    out.rename(previous)
    assert settle(out, new) == "took-next"
    assert content(out) == "new"
    shutil.rmtree(out)
    folder(new, "new")
    (new / "x.txt").write_text("torn")
    assert settle(out, new) == "restored-previous"
    assert content(out) == "old"
    shutil.rmtree(out)
    assert settle(out, new) == "nothing"
    assert not out.exists()


@pytest.mark.parametrize("n_renames", [1, 2, 3])
def test_a_stop_after_each_rename_is_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_renames: int) -> None:
    """The writer dies after the first, second or third rename: afterwards OUT is whole, old or new."""
    out, new = folder(tmp_path / "out", "old"), folder(tmp_path / "next", "new")
    rename, left = Path.rename, n_renames

    def die_later(self: Path, target: Path) -> Path:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt("killed")
        left -= 1
        return rename(self, target)

    monkeypatch.setattr(exchange, "_swap", lambda new, out: False)
    monkeypatch.setattr(Path, "rename", die_later)
    if n_renames < 3:
        with pytest.raises(KeyboardInterrupt, match="killed"):
            exchange_folders(new, out)
    else:
        exchange_folders(new, out)
    monkeypatch.undo()
    settle(out, new)
    assert content(out) == "new"


_WRITER = """
import shutil, sys
from pathlib import Path
from tunesmith.files import exchange
from tunesmith.files.manifest import write_manifest
out, new = Path(sys.argv[1]), Path(sys.argv[2])
if sys.argv[3] == "renames":
    exchange._swap = lambda new, out: False
exchange.settle(out, new)
print("ready", flush=True)
while True:
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    (new / "x.txt").write_text("model " * 1000)
    write_manifest(new)
    exchange.exchange_folders(new, out)
"""


@pytest.mark.parametrize("way", ["swap", "renames"])
def test_killed_writers_never_lose_the_folder(tmp_path: Path, way: str) -> None:
    """Real SIGKILLs at eight moments: with the swap OUT is always whole; with renames it is after ``settle``."""
    if way == "swap" and sys.platform != "linux":
        pytest.skip("only Linux swaps two names in one step")
    out, new = folder(tmp_path / "out", "model " * 1000), tmp_path / "next"
    for moment in range(8):
        command = [sys.executable, "-c", _WRITER, str(out), str(new), way]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.004 + 0.0023 * moment)
            assert child.poll() is None
            child.send_signal(signal.SIGKILL)
        if way == "swap":
            assert out.exists()
        settle(out, new)
        assert content(out) == "model " * 1000
