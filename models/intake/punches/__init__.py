"""Reading, storing and correcting punches."""
