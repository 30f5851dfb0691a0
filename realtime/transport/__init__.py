"""python-socketio, python-engineio and aiohttp with what is overridden, and our websocket line."""
