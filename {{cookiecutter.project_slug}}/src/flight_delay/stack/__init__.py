"""The stack of compose.yaml on this machine: started whole or not at all, and stopped."""
