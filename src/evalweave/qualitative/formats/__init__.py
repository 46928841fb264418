"""Readers of coded projects. A new format is one module here and one entry in
`evalweave.catalogue.projects`.

A module has two functions: `recognises(path, start)` says whether a file (with its first bytes) or
folder is of the format, and `read(path, ...)` turns it into a `Raw`; its further arguments are the
keys of the study file that the entry says it takes.
"""

SQLITE = b"SQLite format 3\x00"  # how a database begins
TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
