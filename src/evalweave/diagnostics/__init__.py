"""Whether the design can be believed: pre-trends, sensitivity bounds, placebo, measurement."""
