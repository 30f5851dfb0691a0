"""What was refused is submitted again: by hand, or by itself once a roster has brought what it
lacked.
"""
