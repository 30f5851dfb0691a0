"""Boundaries of sites: what they enclose, whichever way they are written, and how far it is to it.

Positions are longitude and latitude in degrees, edges are straight in them, as GeoJSON says.
"""
