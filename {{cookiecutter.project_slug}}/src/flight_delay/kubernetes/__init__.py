"""What `deploy/kubernetes` is derived from and reasoned with: rules, and figures of capacity."""
