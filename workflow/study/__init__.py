"""What the rules of the workflow share."""
