"""Settings, families and the skeleton of the recipe."""

from tunesmith.config.families import Family
from tunesmith.config.recipe import Recipe, load_recipe
from tunesmith.config.settings import Settings, nearest, problems_of, refusal, validated

__all__ = ["Family", "Recipe", "Settings", "load_recipe", "nearest", "problems_of", "refusal", "validated"]
