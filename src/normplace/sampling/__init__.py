"""Guesses of many random networks."""
