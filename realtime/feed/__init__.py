"""The tenants' feeds on this server: read, fanned out live, replayed, and shown as snapshots."""
