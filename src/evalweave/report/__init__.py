"""What is released: figures, tables, documents, disclosure control and provenance."""
