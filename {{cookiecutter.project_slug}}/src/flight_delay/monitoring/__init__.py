"""Watching the model in production: data checks, drift, live quality, and what is to be done."""
