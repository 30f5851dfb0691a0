"""Submitting again what was refused: by hand, or once a roster has brought what it lacked."""
