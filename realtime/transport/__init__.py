"""What is overridden of python-socketio, python-engineio and aiohttp, and the websocket line
beneath them.
"""
