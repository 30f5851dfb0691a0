"""What is advertised as so many edits is done for real, in a copy, and needs no other."""
