"""The HTTP service: it answers from a verified bundle and from nothing else."""
