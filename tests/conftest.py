"""Settings of all tests."""

from hypothesis import settings

# Machines are shared and noisy: an example has no time limit.
settings.register_profile("evalweave", deadline=None)
settings.load_profile("evalweave")
