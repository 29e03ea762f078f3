"""The service over HTTP, from one row to a stop signal, on the bundle of a real training run."""
