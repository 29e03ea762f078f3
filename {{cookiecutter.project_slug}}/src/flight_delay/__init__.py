"""How likely a flight from New York is to leave more than 15 minutes late, two hours ahead."""
