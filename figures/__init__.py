"""One module a figure, named for what it shows. Each reads tidy tables and draws; none computes."""
