"""Builds the package: fetches the dashboard's Socket.IO client from npm's registry, then has
setuptools do the rest.
"""
