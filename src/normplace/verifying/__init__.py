"""Which claims hold, whether files are unaltered, whether two runs agree."""
