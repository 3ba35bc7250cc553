"""How prejudiced anyone's own model is."""
