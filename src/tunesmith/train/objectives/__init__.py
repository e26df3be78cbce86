"""Objectives: what a step minimises, as a ``Trainable`` the loop can train."""
