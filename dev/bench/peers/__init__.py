"""The contenders, all driven alike: ours, and what others would build this with (Node socket.io,
Django Channels, plain python-socketio).
"""
