"""The servers: aiohttp and Socket.IO, showing each viewer exactly what its tenant and sites allow."""
