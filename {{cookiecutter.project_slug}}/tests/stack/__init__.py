"""The stack of compose.yaml: what `up` and `down` do, with a stand-in for Docker itself."""
