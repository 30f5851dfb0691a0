"""What is refused: why, and how it is kept."""
