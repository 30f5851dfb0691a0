"""The tests of Rollcall, in the shape of the tree they test."""
