"""Every file that a person hands over: text tables, workbooks, archives, databases, before anybody
interprets it."""
