"""Column contracts of every table that passes between stages: type, unit and one line of meaning
each.

The contract is code (`check` enforces it), documentation (`config/README.md` prints it) and the
test that a stage delivers what the next one expects. Identifiers are text from the first byte: some
code identifiers exceed 2^53 and a float column corrupts them.

`counts` says what a count counts (patients, records, practices, participants, references): the
disclosure profile rounds the first two, leaves practices exact and applies `qualitative.min_cell`
to participants.
"""
