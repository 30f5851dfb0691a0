"""Refusing submissions: the reasons why, and how they are kept."""
