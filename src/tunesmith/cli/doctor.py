"""``tunesmith doctor``: this machine, what is there, how fast, which paths are tested on it."""

from __future__ import annotations

from tunesmith.cli import options
from tunesmith.cli.console import print_json, print_line


@options.takes_common
def doctor(
    *,
    common: options.Common,
) -> None:
    """Look at this machine: what is there, how fast, what is tested."""
    from tunesmith.api.measure import examine_machine

    found = examine_machine(base=common.recipe().base.name)
    if common.json:
        print_json(found)
        return
    _print_tree(found, depth=0)


def _print_tree(value: dict[str, object], *, depth: int) -> None:
    for name, part in value.items():
        if isinstance(part, dict):
            print_line(f"{'  ' * depth}{name}")
            _print_tree(part, depth=depth + 1)
        else:
            shown = ", ".join(map(str, part)) if isinstance(part, list) else part
            print_line(f"{'  ' * depth}{name:<{24 - 2 * depth}} {shown}")
