/* The load client: many websocket viewers in one process, counting what reaches each and how late.
 *
 * Speaks as much Engine.IO 4 / Socket.IO 5 as a viewer needs (--connect), or plain websockets. It
 * measures the messages that contain the text --event. In them, "@" and 16 digits is when the
 * message was said, in microseconds of CLOCK_MONOTONIC; "#" and 8 digits is its number, which must
 * rise by one per viewer (--ordered).
 *
 * Prints one line each: `ready N` when all are connected; `expecting` after the line
 * `expect MESSAGES SECONDS` on stdin; then `done {json}`, when every viewer has that many, time is
 * up or the line `stop` came. Ends when stdin does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 18, BUCKET_US = 10, BUCKETS = 6000000, IN_FLIGHT = 64, EVENTS = 512 };
enum state { IDLE, UPGRADING, OPENING, JOINING, LIVE, GONE };

struct viewer {
    int fd;
    enum state state;
    char *rest; /* the start of a frame whose end has not come yet */
    size_t rest_size;
    z_stream *inflater;
    int fresh_window; /* the server promised to compress each message by itself */
    long long received;
    long long next;
};

static struct viewer *viewers;
static int viewer_count = 1, started, connected, compressed_viewers;
static int poller, port, ordered, offers_deflate;
static const char *path = "/", *connect_packet, *event = "";
static char chunk[CHUNK * 2], unpacked[1 << 20];

static uint32_t *histogram;
static long long expected = -1, received, disorder, stray, unstamped, bytes, complete;
static long long sampled, latest_us, total_us;
static int64_t deadline, first_at, last_at;
static double cpu_before;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(3);
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    time_t seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
    return seconds + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static long long digits(const char *text, const char *end, int count) {
    long long value = 0;
    if (end - text < count) return -1;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static double percentile_ms(double share) {
    long long rank = (long long)(share * sampled), seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += histogram[i]) > rank) return (i + 0.5) * BUCKET_US / 1000.0;
    return latest_us / 1000.0;
}

static void finish(void) {
    double cpu = cpu_seconds() - cpu_before;
    long long lost = expected * viewer_count - received;
    printf("done {\"viewers\": %d, \"received\": %lld, \"lost\": %lld, \"complete\": %lld",
           viewer_count, received, lost < 0 ? 0 : lost, complete);
    printf(", \"disorder\": %lld, \"stray\": %lld, \"unstamped\": %lld, \"bytes\": %lld",
           disorder, stray, unstamped, bytes);
    printf(", \"seconds\": %.6f, \"client_cpu\": %.6f, \"compressed\": %d",
           (last_at - first_at) / 1e6, cpu, compressed_viewers);
    if (sampled) {
        printf(", \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f",
               percentile_ms(0.50), percentile_ms(0.99), percentile_ms(0.999));
        printf(", \"max_ms\": %.3f, \"mean_ms\": %.3f",
               latest_us / 1000.0, total_us / 1000.0 / sampled);
    }
    printf("}\n");
    fflush(stdout);
    expected = -1;
}

static void expect(long long messages, double seconds) {
    expected = messages;
    deadline = now_us() + (int64_t)(seconds * 1e6);
    received = disorder = stray = unstamped = bytes = complete = 0;
    sampled = latest_us = total_us = 0;
    first_at = last_at = now_us();
    memset(histogram, 0, sizeof(uint32_t) * BUCKETS);
    for (int i = 0; i < viewer_count; i++) viewers[i].received = 0, viewers[i].next = -1;
    cpu_before = cpu_seconds();
    printf("expecting\n");
    fflush(stdout);
}

static void sample(long long said_us, int64_t now) {
    long long late = now - said_us;
    if (late < 0) late = 0;
    histogram[late / BUCKET_US < BUCKETS ? late / BUCKET_US : BUCKETS - 1]++;
    sampled++;
    total_us += late;
    if (late > latest_us) latest_us = late;
}

static void count_message(struct viewer *viewer, const char *text, size_t size, int64_t now) {
    const char *end = text + size;
    const char *mark = memchr(text, '@', size), *number = memchr(text, '#', size);
    long long said_us = mark ? digits(mark + 1, end, 16) : -1;
    long long position = number ? digits(number + 1, end, 8) : -1;
    if (expected < 0) {
        stray++;
        return;
    }
    if (!received) first_at = now;
    last_at = now;
    received++;
    bytes += size;
    if (ordered && viewer->next >= 0 && position != viewer->next) disorder++;
    viewer->next = position + 1;
    if (said_us > 0) sample(said_us, now);
    else unstamped++;
    if (++viewer->received == expected && ++complete == viewer_count) finish();
}

static void send_all(struct viewer *viewer, const char *data, size_t size) {
    while (size) {
        ssize_t sent = send(viewer->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return; /* the next read sees that the connection ended */
        if (sent > 0) data += sent, size -= sent;
    }
}

static void send_frame(struct viewer *viewer, int opcode, const char *text, size_t size) {
    unsigned char frame[4096 + 8] = {0x80 | opcode};
    size_t head = 2;
    if (size > 4096) fail("a frame of %zu bytes is more than a viewer sends", size);
    if (size < 126) frame[1] = 0x80 | size;
    else frame[1] = 0x80 | 126, frame[2] = size >> 8, frame[3] = size, head = 4;
    memcpy(frame + head + 4, text, size); /* a mask of zeros leaves the text as it is */
    send_all(viewer, (char *)frame, head + 4 + size);
}

static void went_live(struct viewer *viewer) {
    viewer->state = LIVE;
    if (++connected == viewer_count) {
        printf("ready %d\n", viewer_count);
        fflush(stdout);
    }
}

static void take_text(struct viewer *viewer, const char *text, size_t size, int64_t now) {
    if (connect_packet && size && text[0] == '2') return send_frame(viewer, 1, "3", 1);
    if (viewer->state == OPENING && size && text[0] == '0') {
        viewer->state = JOINING;
        return send_frame(viewer, 1, connect_packet, strlen(connect_packet));
    }
    if (viewer->state == JOINING && size > 1 && text[0] == '4') {
        if (text[1] == '4') fail("refused: %.*s", (int)size, text);
        if (text[1] == '0') return went_live(viewer);
    }
    if (memmem(text, size < 80 ? size : 80, event, strlen(event)))
        count_message(viewer, text, size, now);
}

static void take_compressed(struct viewer *viewer, const char *data, size_t size, int64_t now) {
    static const char tail[4] = {0, 0, (char)0xff, (char)0xff};
    z_stream *z = viewer->inflater;
    if (!z) fail("a compressed message on a connection that has not agreed to any");
    z->next_out = (Bytef *)unpacked, z->avail_out = sizeof unpacked;
    z->next_in = (Bytef *)data, z->avail_in = size;
    if (inflate(z, Z_SYNC_FLUSH) < 0) fail("cannot inflate: %s", z->msg ? z->msg : "no message");
    z->next_in = (Bytef *)tail, z->avail_in = 4;
    int result = inflate(z, Z_SYNC_FLUSH);
    if (result < 0 && result != Z_BUF_ERROR)
        fail("cannot inflate the tail: %s", z->msg ? z->msg : "no message");
    take_text(viewer, unpacked, sizeof unpacked - z->avail_out, now);
    if (viewer->fresh_window) inflateReset(z);
}

/* Take the whole frames at the start of `data`; return how many bytes they were. */
static size_t take_frames(struct viewer *viewer, char *data, size_t size, int64_t now) {
    size_t used = 0;
    while (size - used >= 2) {
        unsigned char *frame = (unsigned char *)data + used;
        size_t length = frame[1] & 0x7f, head = length == 126 ? 4 : length == 127 ? 10 : 2;
        if (size - used < head) break;
        if (length == 126) length = frame[2] << 8 | frame[3];
        else if (length == 127) {
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | frame[i];
        }
        if (length > CHUNK) fail("a frame of %zu bytes", length);
        if (size - used < head + length) break;
        if (!(frame[0] & 0x80)) fail("a fragmented message");
        char *body = (char *)frame + head;
        if ((frame[0] & 0x0f) == 8) viewer->state = GONE;
        else if ((frame[0] & 0x0f) == 9) send_frame(viewer, 10, body, length);
        else if (frame[0] & 0x40) take_compressed(viewer, body, length, now);
        else if ((frame[0] & 0x0f) == 1) take_text(viewer, body, length, now);
        used += head + length;
    }
    return used;
}

static size_t take_upgrade(struct viewer *viewer, char *data, size_t size) {
    char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (size < 12 || memcmp(data + 9, "101", 3))
        fail("no websocket: %.*s", (int)(end - data), data);
    size_t used = end + 4 - data;
    if (memmem(data, used, "permessage-deflate", 18)) {
        viewer->inflater = calloc(1, sizeof(z_stream));
        inflateInit2(viewer->inflater, -15);
        viewer->fresh_window = memmem(data, used, "server_no_context_takeover", 26) != NULL;
        compressed_viewers++;
    }
    if (connect_packet) viewer->state = OPENING;
    else went_live(viewer);
    return used;
}

static void drop(struct viewer *viewer) {
    if (viewer->state != LIVE && viewer->state != GONE)
        fail("a connection ended before it was live");
    fprintf(stderr, "a live connection was closed by the server\n");
    close(viewer->fd);
    viewer->state = GONE;
}

static void on_readable(struct viewer *viewer) {
    size_t kept = viewer->rest_size, used = 0;
    memcpy(chunk, viewer->rest, kept);
    ssize_t got = recv(viewer->fd, chunk + kept, CHUNK, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop(viewer);
    size_t size = kept + got;
    if (viewer->state == UPGRADING) used = take_upgrade(viewer, chunk, size);
    if (viewer->state != UPGRADING)
        used += take_frames(viewer, chunk + used, size - used, now_us());
    viewer->rest_size = size - used;
    if (viewer->rest_size) {
        viewer->rest = realloc(viewer->rest, viewer->rest_size);
        memcpy(viewer->rest, chunk + used, viewer->rest_size);
    }
}

static void on_connected(struct viewer *viewer) {
    char request[2048];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(viewer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail("connecting: %s", strerror(error));
    const char *extensions = "";
    if (offers_deflate)
        extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\n"
                          "Host: 127.0.0.1:%d\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "%s\r\n",
                          path, port, extensions);
    viewer->state = UPGRADING;
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = viewer};
    epoll_ctl(poller, EPOLL_CTL_MOD, viewer->fd, &interest);
    send_all(viewer, request, length);
}

static void start_viewer(struct viewer *viewer) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;
    viewer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (viewer->fd < 0) fail("socket: %s", strerror(errno));
    setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event interest = {.events = EPOLLOUT, .data.ptr = viewer};
    if (connect(viewer->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    epoll_ctl(poller, EPOLL_CTL_ADD, viewer->fd, &interest);
    started++;
}

static void on_command(void) {
    static char line[256];
    static size_t size;
    ssize_t got = read(0, line + size, sizeof line - 1 - size);
    if (got <= 0) exit(0);
    line[size += got] = 0;
    char *end = strchr(line, '\n');
    if (!end) return;
    long long messages;
    double seconds;
    size = 0;
    if (sscanf(line, "expect %lld %lf", &messages, &seconds) == 2) expect(messages, seconds);
    else if (!strcmp(line, "stop\n") && expected >= 0) finish();
    else fail("no command: %s", line);
}

static void read_options(int count, char **values, long long *at_once, double *seconds) {
    for (int i = 1; i < count; i++) {
        const char *name = values[i], *value = i + 1 < count ? values[i + 1] : "";
        if (!strcmp(name, "--ordered")) ordered = 1;
        else if (!strcmp(name, "--deflate")) offers_deflate = 1;
        else if (!strcmp(name, "--port")) port = atoi(value), i++;
        else if (!strcmp(name, "--viewers")) viewer_count = atoi(value), i++;
        else if (!strcmp(name, "--path")) path = value, i++;
        else if (!strcmp(name, "--connect")) connect_packet = value, i++;
        else if (!strcmp(name, "--event")) event = value, i++;
        else if (!strcmp(name, "--expect")) *at_once = atoll(value), i++;
        else if (!strcmp(name, "--seconds")) *seconds = atof(value), i++;
        else fail("no option: %s", name);
    }
}

int main(int count, char **values) {
    struct epoll_event happened[EVENTS], commands = {.events = EPOLLIN, .data.ptr = NULL};
    struct rlimit files;
    long long at_once = -1;
    double seconds = 60;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_options(count, values, &at_once, &seconds);
    viewers = calloc(viewer_count, sizeof *viewers);
    histogram = calloc(BUCKETS, sizeof *histogram);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands);
    if (at_once >= 0) expect(at_once, seconds);
    while (1) {
        while (started < viewer_count && started - connected < IN_FLIGHT)
            start_viewer(&viewers[started]);
        int ready = epoll_wait(poller, happened, EVENTS, 100);
        for (int i = 0; i < ready; i++) {
            struct viewer *viewer = happened[i].data.ptr;
            if (!viewer) on_command();
            else if (viewer->state == IDLE) on_connected(viewer);
            else if (viewer->state != GONE) on_readable(viewer);
        }
        if (expected >= 0 && now_us() > deadline) finish();
    }
}
