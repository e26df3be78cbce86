"""The code in an export's README runs as it stands there, and answers as the model does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.tiny_models import TEXTS, tiny_model

from tunesmith.evaluate.calibration import softmax
from tunesmith.export.parity import expected_of
from tunesmith.export.source import Model
from tunesmith.export.targets import TARGETS

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
_MAY_IMPORT = {
    "onnx": {"json", "pathlib", "numpy", "onnxruntime", "tokenizers"},
    "openvino": {"json", "pathlib", "numpy", "openvino", "tokenizers"},
}


def run_readme(folder: Path, card: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run every block, one after the other, in the folder; the names they leave."""
    blocks = _BLOCK.findall(card)
    assert len(blocks) == 2
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for code in blocks:
        exec(code, names)
    return names


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_the_lines_of_a_graph_run(
    target: str, model_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the runtime and tokenizers alone, on texts of any length; token types of another kind than 0 among them."""
    model: Model = tiny_model(tmp_path / "base", model_type, num_hidden_layers=1)
    (tmp_path / "out").mkdir()
    card = TARGETS.member(target).write(tmp_path / "out", model, None).card
    imported = set(re.findall(r"^(?:import|from) (\w+)", "".join(_BLOCK.findall(card)), re.M))
    assert imported == _MAY_IMPORT[target]
    names = run_readme(tmp_path / "out", card, monkeypatch)
    answer: Callable[[str], Any] = names["answer"]
    expected = expected_of(model, [*TEXTS, *names["texts"]])
    assert expected.n_windows.max() > 2
    found = np.array([answer(text) for text in [*TEXTS, *names["texts"]]])
    np.testing.assert_allclose(found, softmax(expected.logits), rtol=0, atol=1e-4)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(names["texts"])
    short = expected.n_windows[len(TEXTS) :] == 1
    rows = names["probabilities"][short]
    np.testing.assert_allclose(rows, softmax(expected.logits[len(TEXTS) :][short]), rtol=0, atol=1e-4)
