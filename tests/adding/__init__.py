"""A further type and a further state are added to a copy, to show that the edits advertised do."""
