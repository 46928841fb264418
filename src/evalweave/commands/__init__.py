"""One module per command: it reads files, calls one function, writes files. Imports are lazy."""
