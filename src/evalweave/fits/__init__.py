"""What every estimator returns, and the distributions that intervals are taken from."""
