"""Incidents: each breaks the learner's own running service in a way that has to be found out."""
