"""The ladder: rungs tried cheapest first, each scored on the same rows, until more compute buys nothing."""
