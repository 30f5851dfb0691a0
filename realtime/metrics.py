"""What the server counts, for Prometheus.

Names end in their unit. Tenants may be labels, people and sites never.
"""

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from models.build_info import BuildInfo

_BUCKET_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REGISTRY.register(BuildInfo())

viewers = Gauge("rollcall_viewers", "Connected, authenticated viewers.")
messages = Counter(
    "rollcall_feed_messages_total", "Messages of the feed fanned out by this server.", ["tenant_id"]
)
deliveries = Counter("rollcall_deliveries_total", "Messages written to viewers, live.")
writes = Counter(
    "rollcall_socket_writes_total",
    "Writes to viewers, live; what is said together goes out in one.",
)
repeats = Counter("rollcall_feed_repeats_total", "Messages that were published again and left out.")
gaps_filled = Counter(
    "rollcall_feed_gaps_filled_total", "Messages that no publication brought, read from the feed."
)
replayed = Counter(
    "rollcall_replayed_messages_total", "Messages sent to viewers that came back for them."
)
said_to_fan_out = Histogram(
    "rollcall_said_to_fan_out_seconds",
    "From the publication of messages to their fan-out here.",
    buckets=_BUCKET_SECONDS,
)
resyncs = Counter("rollcall_resyncs_total", "Viewers told to start afresh.", ["reason"])
connections = Counter(
    "rollcall_connections_total",
    "Answers to viewers that connect: fresh, recovered, or the code of a refusal.",
    ["answer"],
)
dropped = Counter("rollcall_dropped_viewers_total", "Connections ended by the server.", ["reason"])
open_connections = Gauge("rollcall_open_connections", "TCP connections, known or not.")
dropped_connections = Counter(
    "rollcall_dropped_connections_total",
    "TCP connections that the server ended or did not take: slow_head, made_room, no_room.",
    ["reason"],
)
slowed = Counter(
    "rollcall_slowed_refusals_total",
    "Refusals of tokens that had to wait, or that ended the connection, as too many came from one"
    " address.",
    ["answer"],
)
unknown_sessions = Counter(
    "rollcall_unknown_sessions_total",
    "Requests of sessions that this server does not know: it was restarted, or polling has no"
    " sticky sessions.",
)
rate_limited = Counter(
    "rollcall_rate_limited_total", "Events of clients refused because they came too fast."
)
unreadable = Counter(
    "rollcall_unreadable_publications_total",
    "Publications that were no message of ours and were left to the feed.",
)
key_fetches = Counter(
    "rollcall_published_key_fetches_total",
    "Fetches of the keys at JWT_JWKS_URL: fetched or failed.",
    ["outcome"],
)
dropped_publications = Counter(
    "rollcall_dropped_publications_total",
    "The same, by why they were not believed.",
    ["reason"],
)
histories_changed = Counter(
    "rollcall_feed_histories_changed_total",
    "Feeds that turned out to be another than was shown: restored, begun anew, or lied about.",
)
moves = Counter(
    "rollcall_operator_moves_total",
    "Moves and reviews that operators asked for, by what became of them.",
    ["move", "outcome"],
)
failed_emits = Counter(
    "rollcall_server_failed_emits_total",
    "What operators did and Redis did not take; servers find it in the feed.",
)
punches = Counter(
    "rollcall_http_punches_total",
    "Punches that came over HTTP, by what became of them.",
    ["status"],
)
requests = Histogram(
    "rollcall_http_request_seconds",
    "HTTP requests by route and status.",
    ["method", "route", "status"],
    buckets=_BUCKET_SECONDS,
)
