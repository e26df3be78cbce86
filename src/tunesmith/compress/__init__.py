"""Compression: a model made smaller and faster, held to the model that it came from before it is put anywhere."""
