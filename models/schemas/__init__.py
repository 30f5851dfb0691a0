"""The shape of everything that travels, as Pydantic models: what comes in by the door, what is said
to viewers.
"""
