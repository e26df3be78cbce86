"""Export: an encoder's bundle in formats that others load, each compared with the bundle before it is put in place."""
