"""What others would build this with: Node socket.io, Django Channels, plain python-socketio; and
ours, all driven alike.
"""
