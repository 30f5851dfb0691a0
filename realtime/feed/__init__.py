"""The tenants' feeds on this server: read, fanned out live, replayed, and shown as a snapshot to
whoever may hear them.
"""
