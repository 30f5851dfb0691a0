"""The shape of everything that travels, as Pydantic models: what comes in, and what viewers get."""
