"""Where the norm stands decides what an untrained network guesses: sampling, theory and statistics."""

__version__ = "0.1.0"
