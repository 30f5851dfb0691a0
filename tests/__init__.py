"""The tests of Rollcall, in folders as those of what they test."""
