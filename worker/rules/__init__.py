"""What detectors reason with: the window, and what punches, the roster, places and biometrics say.

Like detectors, rules do no I/O.
"""
