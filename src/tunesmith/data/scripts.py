"""In which scripts texts are written: as near to their language as a file tells by itself."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

_SAMPLED_TEXTS = 2000
_LEAST_SHARE = 0.01
_NAMES = {"CJK": "Han", "KATAKANA-HIRAGANA": "Katakana"}


def letter_scripts(texts: Sequence[str]) -> dict[str, float]:
    """Measure how the letters of a sample of texts share out over scripts.

    Args:
        texts: Of which every so many-th is looked at, 2,000 of them at most.

    Returns:
        Share of the letters by script, the commonest first; scripts of less than one letter in a hundred are left out.

    Example:
        >>> letter_scripts(["Where is my card?", "我的卡呢"])
        {'Latin': 0.7647, 'Han': 0.2353}
    """
    counts: Counter[str] = Counter()
    for text in texts[:: 1 + len(texts) // _SAMPLED_TEXTS]:
        counts.update(unicodedata.normalize("NFKC", text))
    scripts: Counter[str] = Counter()
    for character, count in counts.items():
        if character.isalpha():
            first = unicodedata.name(character, "unnamed").partition(" ")[0]
            scripts[_NAMES.get(first, first.capitalize())] += count
    total = scripts.total()
    return {name: round(n / total, 4) for name, n in scripts.most_common() if n >= _LEAST_SHARE * total}
