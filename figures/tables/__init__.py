"""Printed tables: each public function in these modules makes one, of its name, from a folder of tidy tables."""
