"""Tidy tables of what was sampled, trained and measured."""
