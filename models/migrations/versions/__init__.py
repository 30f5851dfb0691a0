"""The revisions, one file each, numbered in order.

They import nothing of models.tables, so that later changes to it leave them alone.
"""
