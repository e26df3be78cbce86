"""Bring the outputs that a page shows up to date: run its blocks, and put down what each prints, in both languages.

python -m tests.docs.rewrite_outputs PAGE [PICTURE ...]

Pictures that the blocks draw are kept among the assets of the pages, under the page's name.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.docs.blocks import DOCS, LANGUAGES, Block, page_blocks, page_path, with_outputs
from tests.docs.running_pages import LEFT_OUT, Page


def rewrite(page: str, pictures: Sequence[str]) -> None:
    """Run a page, and rewrite what it shows; the base model is the default one."""
    outputs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        running = Page(folder, folder / "no base")
        for block in page_blocks("en", page):
            if block.is_output:
                outputs.append(f"{running.printed.strip()}\n" if is_whole(block) else block.code)
            else:
                running.run(block)
        for picture in pictures:
            shutil.copyfile(folder / picture, DOCS / "assets" / f"{page}.{picture}")
    for language in LANGUAGES:
        path = page_path(language, page)
        path.write_text(with_outputs(path.read_text("utf-8"), outputs), "utf-8")


def is_whole(block: Block) -> bool:
    """Whether a block of output shows all that a run prints."""
    return block.check != "measured" and LEFT_OUT not in block.code.splitlines()


if __name__ == "__main__":
    rewrite(sys.argv[1], sys.argv[2:])
