"""What a network is: its specification, norms, modules, products and random numbers."""
