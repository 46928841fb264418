"""Standard errors, intervals and tests that hold with two dozen practices."""
