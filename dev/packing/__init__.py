"""How the package is built: setuptools, and before it the Socket.IO client of the dashboard from
npm's registry.
"""
