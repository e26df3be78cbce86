"""Where an export may go: nothing of a user's is ever replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.errors import ConfigError
from tunesmith.export.place import PARITY, Place, is_export
from tunesmith.files import exchange
from tunesmith.files.exchange import exchange_folders

TOLD = {"target": "onnx", "bundle": "0" * 64, "runtime": "onnxruntime 1.2", "whole": {}}


def export(folder: Path, word: str = "old") -> Path:
    """A folder as an export leaves it, as far as the place is concerned."""
    folder.mkdir(parents=True)
    (folder / PARITY).write_text(json.dumps(TOLD), "utf-8")
    (folder / "model.onnx").write_text(word)
    return folder


def test_an_export_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    """Else it is told that it could be."""
    place = export(tmp_path / "out")
    Place(place, force=True).refuse_taken()
    with pytest.raises(ConfigError, match=r"out-exists(.|\n)*an export(.|\n)*--force"):
        Place(place).refuse_taken()


def test_a_free_place_and_an_empty_folder_will_do(tmp_path: Path) -> None:
    """An empty folder only where replacing is asked for."""
    for force in (False, True):
        Place(tmp_path / "free", force).refuse_taken()
    (tmp_path / "empty").mkdir()
    Place(tmp_path / "empty", force=True).refuse_taken()
    with pytest.raises(ConfigError, match="out-exists") as caught:
        Place(tmp_path / "empty").refuse_taken()
    assert caught.value.advice == "choose another folder with --out"


@pytest.mark.parametrize(
    "content",
    [
        {"letter.txt": "dear anna"},
        {"tunesmith.json": "{}", "manifest.json": "{}"},
        {PARITY: "odd or even"},
        {PARITY: "[]"},
        {PARITY: '{"bits": 8, "parity": "even"}', "port.txt": "ttyS0"},
    ],
)
def test_what_export_did_not_write_stays(content: dict[str, str], tmp_path: Path) -> None:
    """A model folder, somebody's files, and a file that happens to have the name."""
    out = tmp_path / "out"
    out.mkdir()
    for name, text in content.items():
        (out / name).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="out-not-an-export") as caught:
        Place(out, force=True).refuse_taken()
    assert str(caught.value.found).startswith("a folder with ")
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == content


def test_a_file_stays(tmp_path: Path) -> None:
    """Whatever is in it."""
    (tmp_path / "out").write_text(json.dumps(TOLD), "utf-8")
    with pytest.raises(ConfigError, match=r"out-not-an-export(.|\n)*a file"):
        Place(tmp_path / "out", force=True).refuse_taken()


def test_a_place_may_be_a_link_or_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The export is written beside the folder itself, on its file system."""
    export(tmp_path / "disk" / "v1")
    (tmp_path / "out").symlink_to("disk/v1")
    assert Place(tmp_path / "out").partial == (tmp_path / "disk" / ".v1.partial").resolve()
    monkeypatch.chdir(tmp_path / "disk" / "v1")
    assert Place(Path()).partial == (tmp_path / "disk" / ".v1.partial").resolve()


def test_what_a_kill_between_renames_set_aside_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system cannot swap two names there is a moment when neither stands at the place."""
    place = Place(export(tmp_path / "out"), force=True)
    new = export(place.partial, "new")
    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if path == new:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(exchange, "_swap", lambda new, out: False)
    with monkeypatch.context() as patches:
        patches.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            exchange_folders(new, place.folder)
    assert not place.folder.exists()
    place.restore()
    assert is_export(place.folder)
    assert (place.folder / "model.onnx").read_text() == "old"
    place.restore()
    exchange_folders(new, place.folder)
    assert (place.folder / "model.onnx").read_text() == "new"
