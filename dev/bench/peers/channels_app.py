"""The peer: Django Channels with channels_redis, as its documentation has it, with one group.
REDIS_URL names the Redis.

Its layer drops what exceeds `capacity` (100 by default), which is raised here so that nothing is
lost while it is measured.
"""

import os
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

GROUP = "noc_tenant_1"
LAYER = {
    "BACKEND": "channels_redis.core.RedisChannelLayer",
    "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 1_000_000},
}

if not settings.configured:
    settings.configure(
        SECRET_KEY="bench",
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={"default": LAYER},
        LOGGING_CONFIG=None,
    )
    django.setup()


class Viewer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, _: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def noc_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": URLRouter([path("noc", Viewer.as_asgi())])})
