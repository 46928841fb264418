"""How the release reads: sections, checks, figures, and the documents made of them."""
