/* The floor under fan-out: each message of a Redis channel goes out as one prebuilt websocket
 * frame, with one send() a viewer.
 *
 * Speaks just enough Engine.IO and Socket.IO that a stock client takes it for a server. It has no
 * rooms, no tokens and no pings. With --replay it keeps every frame and sends all of them to a
 * viewer that joins, as a server does to one that was away.
 *
 *     sender PORT REDIS_PORT REDIS_PASSWORD CHANNEL [--replay]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, CHUNK = 1 << 20, EVENTS = 256 };
static const char GREETING[] =
    "0{\"sid\":\"floor\",\"upgrades\":[],"
    "\"pingInterval\":3600000,\"pingTimeout\":3600000,\"maxPayload\":1000000}";
static const char WELCOME[] = "40/noc,{\"sid\":\"floor\"}";

static int listener, redis_socket, poller, live[MOST], live_count, keeps;
static char joined[65536], *kept;
static size_t kept_size, kept_room;

static void fail(const char *what) {
    perror(what);
    exit(3);
}

static void send_all(int socket, const char *data, size_t size) {
    while (size) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent < 0) poll(&(struct pollfd){.fd = socket, .events = POLLOUT}, 1, 1000);
        else data += sent, size -= sent;
    }
}

static size_t build_frame(char *frame, const char *text, size_t size) {
    size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
    frame[0] = (char)0x81;
    if (head == 2) frame[1] = size;
    else if (head == 4) frame[1] = 126, frame[2] = size >> 8, frame[3] = size;
    else {
        frame[1] = 127;
        for (int i = 0; i < 8; i++) frame[2 + i] = (uint64_t)size >> (56 - 8 * i);
    }
    memcpy(frame + head, text, size);
    return head + size;
}

static void keep(const char *frame, size_t size) {
    while (kept_size + size > kept_room) {
        kept_room = kept_room ? kept_room * 2 : CHUNK;
        kept = realloc(kept, kept_room);
    }
    memcpy(kept + kept_size, frame, size);
    kept_size += size;
}

static void fan_out(const char *text, size_t size) {
    static char frame[CHUNK + 16];
    size_t length = build_frame(frame, text, size);
    if (keeps) keep(frame, length);
    for (int i = 0; i < live_count; i++) send_all(live[i], frame, length);
}

static void send_text(int socket, const char *text) {
    char frame[512];
    send_all(socket, frame, build_frame(frame, text, strlen(text)));
}

static void base64(const unsigned char *in, size_t size, char *out) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = in[i] << 16;
        if (i + 1 < size) three |= in[i + 1] << 8;
        if (i + 2 < size) three |= in[i + 2];
        for (int j = 0; j < 4; j++)
            *out++ = i + j > size ? '=' : letters[three >> (18 - 6 * j) & 63];
    }
    *out = 0;
}

static void upgrade(int socket, char *request) {
    char answer[512], key[128] = "", token[64];
    unsigned char digest[SHA_DIGEST_LENGTH];
    char *header = strcasestr(request, "sec-websocket-key:");
    if (header) sscanf(header + 18, " %63s", key);
    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    SHA1((unsigned char *)key, strlen(key), digest);
    base64(digest, sizeof digest, token);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        token);
    send_all(socket, answer, size);
    send_text(socket, GREETING);
}

static void watch(int socket) {
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = socket};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket, &interest);
}

static void accept_viewer(void) {
    int one = 1, socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(socket);
    }
}

static void leave(int socket) {
    for (int i = 0; i < live_count; i++)
        if (live[i] == socket) live[i] = live[--live_count];
    close(socket);
}

/* A viewer first sends its upgrade, then its CONNECT; whatever follows is ignored. */
static void on_viewer(int socket) {
    static char request[65536];
    ssize_t got = recv(socket, request, sizeof request - 1, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) leave(socket);
        return;
    }
    request[got] = 0;
    if (!memcmp(request, "GET", 3)) upgrade(socket, request);
    else if (!joined[socket]) {
        if (live_count == MOST) fail("too many viewers");
        joined[socket] = 1;
        send_text(socket, WELCOME);
        send_all(socket, kept, kept_size);
        live[live_count++] = socket;
    }
}

/* Take one line, or one `message` push of RESP 2, which is three bulk strings. Return its size,
 * or 0 while it is not complete. */
static size_t take_push(const char *data, size_t size) {
    const char *at = data, *end = data + size, *text = NULL;
    size_t length = 0;
    int is_message = 0;
    if (!(at = memmem(at, end - at, "\r\n", 2))) return 0;
    at += 2;
    if (*data != '*') return at - data;
    for (int part = 0; part < 3; part++) {
        const char *line = at;
        if (!(at = memmem(at, end - at, "\r\n", 2))) return 0;
        at += 2;
        if (*line == ':') continue;
        length = atoll(line + 1), text = at;
        if (end - at < (ssize_t)length + 2) return 0;
        if (part == 0) is_message = length == 7 && !memcmp(text, "message", 7);
        at += length + 2;
    }
    if (is_message) fan_out(text, length);
    return at - data;
}

static void on_redis(void) {
    static char buffer[CHUNK * 2];
    static size_t size;
    ssize_t got = recv(redis_socket, buffer + size, sizeof buffer - size, 0);
    if (got <= 0) exit(0);
    size += got;
    size_t used = 0, taken;
    while (size > used && (taken = take_push(buffer + used, size - used))) used += taken;
    memmove(buffer, buffer + used, size -= used);
}

static struct sockaddr_in local(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void listen_on(int port) {
    struct sockaddr_in address = local(port);
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
    if (listen(listener, 4096)) fail("listen");
}

static void subscribe(int port, const char *password, const char *channel) {
    struct sockaddr_in address = local(port);
    char command[256];
    redis_socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(redis_socket, (struct sockaddr *)&address, sizeof address)) fail("redis");
    int size = 0;
    if (*password) size = snprintf(command, sizeof command, "AUTH %s\r\n", password);
    size += snprintf(command + size, sizeof command - size, "SUBSCRIBE %s\r\n", channel);
    send_all(redis_socket, command, size);
}

int main(int count, char **values) {
    struct epoll_event happened[EVENTS];
    struct rlimit files;
    if (count < 5) return 2;
    keeps = count > 5;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    listen_on(atoi(values[1]));
    subscribe(atoi(values[2]), values[3], values[4]);
    poller = epoll_create1(0);
    watch(listener);
    watch(redis_socket);
    while (1) {
        int ready = epoll_wait(poller, happened, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int socket = happened[i].data.fd;
            if (socket == listener) accept_viewer();
            else if (socket == redis_socket) on_redis();
            else on_viewer(socket);
        }
    }
}
