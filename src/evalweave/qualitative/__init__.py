"""The qualitative strand: readers, counts and agreement."""
