"""What whoever runs the installation asks by hand: one file a command of `python -m worker`."""
