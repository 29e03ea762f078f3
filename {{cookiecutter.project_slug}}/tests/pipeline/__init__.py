"""Steps, registry and command line on real data and a real MLflow."""
