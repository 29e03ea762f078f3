"""What each part of the project promises, and the whole of it."""
