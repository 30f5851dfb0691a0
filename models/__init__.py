"""The shared vocabulary of workers and servers: tables, schemas of what travels, settings, rooms.
Imports nothing of ours.
"""
