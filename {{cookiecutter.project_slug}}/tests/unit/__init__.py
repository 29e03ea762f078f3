"""Each module by itself, on small cases worked out by hand and on the real data."""
