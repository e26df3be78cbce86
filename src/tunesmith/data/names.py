"""Names that columns of texts and labels usually have, and when two names are the same."""

from __future__ import annotations

import re
from itertools import chain

TEXT_NAMES = (
    "text sentence message body content review headline utterance query question comment tweet description document "
    "title phrase input"
).split()
"""Of texts, the most telling first."""

LABEL_NAMES = (
    "label labels category intent class sentiment queue topic target stars rating score similarity tag tags".split()
)
"""Of labels, the most telling first."""

PAIR_NAMES = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
)
"""Of the two texts of a pair."""

OURS = "tunesmith_"
"""How the names of columns begin that ``tunesmith next`` adds: never texts or labels unless they are asked for."""

PROPOSED_ROW = f"{OURS}row"
"""The one of them that every row of such a file has filled in."""

KNOWN_NAMES = frozenset([*TEXT_NAMES, *LABEL_NAMES, *chain.from_iterable(PAIR_NAMES), "split", "id"])
"""Names that a header is known by."""


def plain_name(name: str) -> str:
    """Give a name without what does not matter: case, spaces, underscores and hyphens.

    Returns:
        The same for names that are the same.

    Example:
        >>> plain_name(" Short_Text ")
        'shorttext'
    """
    return re.sub(r"[\s_-]+", "", name.casefold())
