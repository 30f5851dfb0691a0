"""PostgreSQL and a Redis-compatible server from Python wheels, as child processes on free loopback
ports of their own.
"""
