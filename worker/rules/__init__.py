"""What detectors reason with: the window, and what punches, the roster, places and biometrics say.
No I/O, as in detectors.
"""
