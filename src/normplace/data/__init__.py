"""Points to sample, train and measure on."""
