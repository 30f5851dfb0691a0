"""One file a revision, numbered in order. Each is written out by hand, so that later changes to
models.tables leave it alone.
"""
