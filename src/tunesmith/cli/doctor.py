"""``tunesmith doctor``: this machine, what is there, how fast, which paths are tested on it."""

from __future__ import annotations

from tunesmith.cli import options
from tunesmith.cli.console import print_json, print_line


def doctor(
    config: options.Config = None,
    sets: options.Sets = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    seed: options.Seed = None,
    offline: options.Offline = None,
    device: options.Device = None,
    threads: options.Threads = None,
) -> None:
    """Look at this machine: what is there, how fast, what is tested."""
    from tunesmith.api.measure import examine_machine

    recipe = options.recipe_of(config, sets, seed=seed, offline=offline, device=device, threads=threads)
    found = examine_machine(base=recipe.base.name)
    if json:
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
