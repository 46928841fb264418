"""From the files of an extract to typed tables: readers of its formats, and ingest."""
