"""The vocabulary that workers and servers share: tables, schemas, settings, the feed, rooms.

Imports nothing else of ours.
"""
