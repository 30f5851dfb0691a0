"""The floors, which nothing can beat: the same bytes through the least code there is."""
