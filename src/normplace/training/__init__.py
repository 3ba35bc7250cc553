"""How networks learn from their first guesses."""
