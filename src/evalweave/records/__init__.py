"""From an extract to clean measurements: readers, code lists, units, cleaning rules."""
