"""What may leave: disclosure, identifiers, audit, manifest, and comparing or reproducing what
left."""
