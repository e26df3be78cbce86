"""From the user's file to packed tokens: read, check, group near-duplicates, split, tokenize, batch."""
