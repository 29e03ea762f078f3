"""One contract: what it is, and that every consumer derives its own form from it."""
