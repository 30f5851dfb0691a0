"""Simulates a company: sites, people, rosters and working days as punches, honest or with frauds
planted.

It is pure and seeded: a day is a function of the company and the date alone. It knows the
contract's shapes (docs/submitting) and the meaning of the nine types (docs/detection), and nothing
of the code that detects them.
"""
