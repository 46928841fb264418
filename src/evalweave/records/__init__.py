"""From typed tables to clean measurements: code lists, units, people, cleaning rules."""
