"""Real processes, seen from outside: what a caller, a viewer and an operator of the installation
get.
"""
