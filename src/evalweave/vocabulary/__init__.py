"""The words that extracts use: a table a kind (`<kind>.csv`: meaning, word), matched after one
normalisation (`words`); a study file adds its own under `vocabulary`."""
