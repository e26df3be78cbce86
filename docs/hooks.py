"""What mkdocs calls while it builds: generated parts, shared files, and the same page in the other language."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parents[1]))  # mkdocs loads this file from wherever it is called

from docs.error_pages import error_reference
from docs.figures import ladder_figure, stop_figure
from docs.lists import architectures, column_names
from docs.measured import data_sets_table
from docs.methods_advice import methods_advice
from docs.methods_table import methods_table
from docs.recipe_reference import recipe_reference
from docs.seen_figure import seen_figure, steps_picture
from docs.segmentation import segment_index
from docs.training_choices import training_advice, training_choices_table

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "docs" / "assets"
SHIM_FROM_A_SERVER = "https://unpkg.com/iframe-worker/shim"
"""What the theme would load for the search of pages opened from a disk; a copy of it is among the assets."""

PARTS: dict[str, Callable[[str], str]] = {
    "architectures": architectures,
    "column names": column_names,
    "data sets": data_sets_table,
    "errors": error_reference,
    "figure ladder": ladder_figure,
    "figure seen": seen_figure,
    "figure stop": stop_figure,
    "methods": methods_table,
    "methods advice": methods_advice,
    "picture of steps": steps_picture,
    "recipe": recipe_reference,
    "training advice": training_advice,
    "training choices": training_choices_table,
}
"""Name in ``<!-- generated: NAME -->`` to what makes the part in a language."""

_GENERATED = re.compile(r"^<!-- generated: ([\w ]+) -->$", re.M)
_INCLUDED = re.compile(r"^<!-- include: (\S+\.py) -->$", re.M)
_CHECKED = re.compile(r"^<!-- check: .*? -->\n", re.M)
_CODE = re.compile(r"^```.*?^```$", re.M | re.S)
_OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.M | re.S)
_LONG = 108
"""Characters of a line of output from which on it is wrapped: longer than any table of figures. Errors always are."""

_WIDE = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef\u201c\u201d]"
_MARK = r"[\u3001\u3002\uff08-\uff0c\uff1a\uff1b]"
_BROKEN_LINE = re.compile(rf"({_WIDE})\n *(?={_WIDE})|({_MARK})\n *(?!\d+\. )(?=[\w`])")


def on_files(files: Any, *, config: Any) -> Any:
    """Give both languages the files that they share."""
    for path in sorted(ASSETS.iterdir()):
        files.append(File.generated(config, f"assets/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, config: Any, **others: Any) -> str:
    """Put in the generated parts, and leave out what is written for the tests."""
    del others
    language = config.theme["language"]
    plain = _OUTPUT.sub(_wrapped, _CHECKED.sub("", markdown))
    return with_parts(without_line_breaks(plain), language)


def _wrapped(found: re.Match[str]) -> str:
    lines = found[1].splitlines()
    is_long = max(map(len, lines), default=0) > _LONG or any(line.startswith("error[") for line in lines)
    return found[0].replace("```text", "```{ .text .wrapped }", 1) if is_long else found[0]


def without_line_breaks(markdown: str) -> str:
    """Join lines between Chinese characters, where a browser would show a space for the break.

    Args:
        markdown: A page in any language; other lines and all code stay as they are.

    Returns:
        The page.
    """
    codes = _CODE.findall(markdown)
    prose = [_BROKEN_LINE.sub(r"\1\2", part) for part in _CODE.split(markdown)]
    return "".join(part + code for part, code in zip(prose, [*codes, ""], strict=True))


def with_parts(markdown: str, language: str) -> str:
    """Put the generated parts and the files that are shown whole into a page.

    Args:
        markdown: The page.
        language: ``en`` or ``zh``.

    Returns:
        The page, whole.
    """
    whole = _INCLUDED.sub(_included, markdown)
    return _GENERATED.sub(lambda found: PARTS[found[1]](language), whole)


def _included(found: re.Match[str]) -> str:
    return f'```python title="{found[1]}"\n{(ROOT / found[1]).read_text("utf-8")}```'


def on_page_context(context: Any, *, page: Any, config: Any, **others: Any) -> Any:
    """Lead from each page to the same one in the other language, also where the pages are opened from a disk."""
    del others
    in_chinese = config.theme["language"] == "zh"
    links = {"en": f"../{page.url}" if in_chinese else page.url, "zh": page.url if in_chinese else f"zh/{page.url}"}
    for alternate in config.extra["alternate"]:
        alternate["link"] = links[alternate["lang"]]
    return context


def on_post_page(output: str, *, page: Any, **others: Any) -> str:
    """Take the copy of the one script that the theme would load from a server."""
    del others
    return output.replace(SHIM_FROM_A_SERVER, "../" * page.url.count("/") + "assets/iframe-worker.js")


def on_post_template(output_content: str, **others: Any) -> str:
    """Do the same to pages that are not made from ours, such as the one for what is not found."""
    del others
    return output_content.replace(SHIM_FROM_A_SERVER, "assets/iframe-worker.js")


def on_post_build(*, config: Any) -> None:
    """Give the Chinese search its words, after the search has written its index and before it is copied for disks."""
    if config.theme["language"] == "zh":
        segment_index(Path(config.site_dir) / "search" / "search_index.json")
