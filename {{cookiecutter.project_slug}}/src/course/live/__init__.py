"""Live exercises: each is done on the learner's own running service, and checked there."""
