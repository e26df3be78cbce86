"""Bring the examples of the page of errors up to date: run the commands of each entry and put down what is printed.

python -m tests.docs.rewrite_examples [CODE ...]
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from docs.error_pages import TEXTS, read_texts
from tests.docs.shop import told_by, write_shop

_EXAMPLE = r"(?ms)^(\[{code}\]$.*?^example = )(?:'''.*?'''|\"\"\".*?\"\"\"|\"\")$"


def rewrite(codes: list[str]) -> None:
    """Rewrite the examples of some codes, or of all that have commands."""
    entries = {code: entry for code, entry in read_texts().items() if "run" in entry and (not codes or code in codes)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        template = folder / "template"
        template.mkdir()
        write_shop(template)
        for code, entry in entries.items():
            told = told_by(entry["run"], entry.get("files", {}), template=template, folder=folder / code)
            path = TEXTS / f"{entry['chapter']}.toml"
            path.write_text(replaced(path.read_text("utf-8"), code, told[told.find("error[") :].strip()), "utf-8")


def replaced(text: str, code: str, example: str) -> str:
    """Put another example into an entry of a file of entries."""
    pattern = re.compile(_EXAMPLE.format(code=re.escape(code)))
    return pattern.sub(lambda found: f"{found[1]}'''\n{example}\n'''", text, count=1)


if __name__ == "__main__":
    rewrite(sys.argv[1:])
