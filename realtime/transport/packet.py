"""Socket.IO packets: how they are encoded, and how what a client sends is read."""

import orjson
from socketio import packet

NAMESPACE = "/noc"


class Json:
    """JSON by orjson, which lets text that is JSON already pass as orjson.Fragment."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    loads = staticmethod(orjson.loads)


class Packet(packet.Packet):  # type: ignore[misc]  # untyped library
    """The library's packet, with our JSON and without attachments."""

    uses_binary_events = False
    json = Json


def parse(data: str | bytes) -> Packet | None:
    """Return one packet of a client.

    None where it is no CONNECT, DISCONNECT, EVENT or ACK in well-formed text.
    """
    if not isinstance(data, str) or data[:1] not in ("0", "1", "2", "3"):
        return None
    try:
        pkt = Packet(encoded_packet=data)
    except (ValueError, RecursionError):
        return None
    if pkt.packet_type == packet.EVENT:
        named = isinstance(pkt.data, list) and pkt.data and isinstance(pkt.data[0], str)
        return pkt if named else None
    return pkt
