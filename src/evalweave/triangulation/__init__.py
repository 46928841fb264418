"""Joining the strands: claims, convergence rule, joint displays."""
