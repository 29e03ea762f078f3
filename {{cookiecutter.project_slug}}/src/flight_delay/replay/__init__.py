"""The time after launch, lived through in minutes by the real service and the real loop."""
