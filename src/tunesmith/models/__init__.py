"""Models: encoders, poolings, heads and what is built from them; shapes are read, weights loaded, nothing fetched."""
