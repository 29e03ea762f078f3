"""The replay: its plan, its traffic, its story, and a few real weeks."""
