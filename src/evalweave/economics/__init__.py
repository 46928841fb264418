"""What a programme costs against what it does, with the same practice-level inference."""
