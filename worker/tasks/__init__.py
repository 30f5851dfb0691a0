"""The tasks: those that the contract names, those of the upkeep, and what all of them share."""
