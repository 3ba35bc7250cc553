"""The command line: one command a step of the workflow."""
