"""What `deploy/kubernetes` is derived from and reasoned with."""
