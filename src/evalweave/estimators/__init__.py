"""Difference-in-differences estimators: one file each, all returning the same thing
(`result.Fit`)."""
