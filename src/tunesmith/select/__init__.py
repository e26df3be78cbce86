"""Choosing rows to label next: which may be proposed, how sure the model is of each, and strategies that choose."""
