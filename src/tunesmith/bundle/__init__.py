"""The bundle: a folder that holds one model, all that is needed to use it, and what is known about it."""
