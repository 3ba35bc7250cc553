"""What theory says of untrained networks, without sampling any."""
