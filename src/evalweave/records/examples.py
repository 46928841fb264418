"""Every example of a cleaning rule, in the order of the rules."""

from evalweave.records import examples_of_people, examples_of_records

EXAMPLES = (*examples_of_people.EXAMPLES, *examples_of_records.EXAMPLES)
