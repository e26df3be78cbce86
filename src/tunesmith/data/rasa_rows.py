"""Rasa's training files (``nlu.yml``) to tables: the examples of each intent, without the marks of entities."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, quote

# "fly to [Berlin](city)", "[Berlin]{"entity": "city", "role": "to"}"
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})")


def rasa_tables(text: str, *, source: str) -> Iterator[Table]:
    r"""Read the examples of every intent.

    Args:
        text: The whole file.
        source: Its name for messages.

    Yields:
        One table of ``text`` and ``label``; synonyms, lookups and patterns are no examples, and a note counts them.

    Raises:
        DataError: ``yaml-damaged``, or ``no-examples``.

    Example:
        >>> nlu = "nlu:\n- intent: book\n  examples: |\n    - fly to [Rome](city)\n    - a room\n"
        >>> next(rasa_tables(nlu, source="nlu.yml")).columns
        {'text': ['fly to Rome', 'a room'], 'label': ['book', 'book']}

    Source: the documentation of Rasa 3 on its training data format.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise DataError(
            "yaml-damaged",
            f"the file is not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{source}:{mark.line + 1}" if mark else source,
            advice="mend this line",
        ) from error
    rows = [row for entry in _items(_fields(root).get("nlu")) for row in _examples(entry)]
    if not rows:
        raise DataError(
            "no-examples",
            "the file holds no examples of intents",
            where=source,
            found=f"keys {', '.join(map(quote, _fields(root))) or 'none'}",
            allowed="nlu: a list of intents, each with its examples, as Rasa has them",
            advice="name the file with the training examples, such as data/nlu.yml",
        )
    others = sum("intent" not in _fields(entry) for entry in _items(_fields(root).get("nlu")))
    told = counted(others, f"entry of {source} is no intent", f"entries of {source} are no intents")
    notes = (f"{told} (synonyms, lookups, patterns); not used",) if others else ()
    columns = {"text": [text for _, text, _ in rows], "label": [label for _, _, label in rows]}
    yield Table(columns, Places.of(source, [number for number, _, _ in rows]), notes)


def _fields(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Give the values of a mapping by their keys."""
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _examples(entry: yaml.Node) -> Iterator[tuple[int, str, str]]:
    """Give line, text and intent of each example, of both ways to write them."""
    fields = _fields(entry)
    intent, examples = fields.get("intent"), fields.get("examples")
    if intent is None or examples is None:
        return
    nodes = [_fields(item).get("text", item) for item in _items(examples)] or [examples]
    for node in nodes:
        if isinstance(node, yaml.ScalarNode):
            yield from ((number, text, intent.value) for number, text in _texts(node))


def _texts(node: yaml.ScalarNode) -> Iterator[tuple[int, str]]:
    """Give line and text of each example in a block of them."""
    first = node.start_mark.line + (2 if node.style == "|" else 1)
    for number, line in enumerate(node.value.split("\n"), start=first):
        text = _ENTITY.sub(r"\1", re.sub(r"^\s*-\s+", "", line)).strip()
        if text:
            yield number, text
