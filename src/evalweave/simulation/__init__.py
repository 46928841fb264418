"""A GP extract and a coded project with known truth, for the demonstration and the tests."""
