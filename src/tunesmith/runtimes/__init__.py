"""Runtimes: what runs a model over many rows."""
