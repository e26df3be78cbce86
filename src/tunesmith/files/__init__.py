"""Files that can be trusted: atomic and durable writes, checked JSON and tensors, manifests, exchange of folders."""
