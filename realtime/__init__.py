"""The servers: aiohttp and Socket.IO, showing each viewer what its tenant and sites allow."""
