// epoll PORT
//
// The least that any server can do in this job, to measure against: one thread, epoll, one buffer a frame that all
// viewers share, a viewer that is behind skips to the newest. POST /api/upload_frame, GET /stream, GET /api/frame; and
// the same for many cameras, as POST /api/cameras/cam-N/frames and GET /api/cameras/cam-N/stream.
// No passwords, limits, checks, storage or timeouts: not a server to run. It ends when its standard input closes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_VIEWERS = 8192, MAX_FRAME_BYTES = 16 << 20, MAX_CAMERAS = 1024 };

typedef struct {
    int holders;
    size_t size, jpeg_at, jpeg_size; // of bytes: the part's head, the JPEG, a line end
    unsigned char *bytes;
} Frame;

typedef struct Connection Connection;

typedef struct {
    Frame *newest;
    Connection **viewers;
    int viewer_count, viewer_room;
} Camera;

struct Connection {
    int fd, is_viewer, place, waits_for_room;
    Camera *camera; // of the request that came last
    Frame *sending; // what part of a stream or snapshot is under way, and how far
    size_t sent;
    Frame *last; // what a viewer has had last
    char head[4096];
    size_t head_size;
    Frame *upload; // being received
    size_t received;
};

static int poller;
static Camera cameras[1 + MAX_CAMERAS]; // the first is the one without a number
static int all_viewers;

static void *need(void *memory) {
    if (!memory) abort();
    return memory;
}

static Frame *hold(Frame *f) {
    if (f) f->holders++;
    return f;
}

static void release(Frame *f) {
    if (!f || --f->holders) return;
    free(f->bytes);
    free(f);
}

static Frame *allocate_frame(size_t jpeg_size) {
    char head[128];
    int n = snprintf(head, sizeof head, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", jpeg_size);
    Frame *f = need(calloc(1, sizeof *f));
    f->holders = 1;
    f->jpeg_at = n;
    f->jpeg_size = jpeg_size;
    f->size = n + jpeg_size + 2;
    f->bytes = need(malloc(f->size));
    memcpy(f->bytes, head, n);
    memcpy(f->bytes + f->size - 2, "\r\n", 2);
    return f;
}

static void close_connection(Connection *c) {
    if (c->is_viewer) {
        Camera *k = c->camera;
        k->viewers[c->place] = k->viewers[--k->viewer_count];
        k->viewers[c->place]->place = c->place;
        all_viewers--;
    }
    release(c->sending);
    release(c->last);
    release(c->upload);
    close(c->fd);
    free(c);
}

static void wait_for_room(Connection *c, int waits) {
    if (c->waits_for_room == waits) return;
    c->waits_for_room = waits;
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

// Sends on, and for a viewer then the newest frame if it has not had it; 0 where the connection is broken.
static int send_on(Connection *c) {
    for (;;) {
        if (!c->sending) {
            if (!c->is_viewer || !c->camera->newest || c->last == c->camera->newest) break;
            c->sending = hold(c->camera->newest);
            c->sent = 0;
        }
        Frame *f = c->sending;
        size_t end = c->is_viewer ? f->size : f->jpeg_at + f->jpeg_size;
        ssize_t n = send(c->fd, f->bytes + c->sent, end - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return 0;
        if (n < 0) return wait_for_room(c, 1), 1;
        if ((c->sent += n) < end) continue;
        release(c->last);
        c->last = f;
        c->sending = 0;
    }
    wait_for_room(c, 0);
    return 1;
}

static void publish(Camera *k, Frame *f) {
    release(k->newest);
    k->newest = f;
    for (int i = 0; i < k->viewer_count; i++)
        if (!k->viewers[i]->sending && !send_on(k->viewers[i])) shutdown(k->viewers[i]->fd, SHUT_RDWR); // closed when epoll tells of it
}

// What a request is for behind the camera that it names, or all of its path.
static const char *find_camera(Connection *c) {
    static const char prefix[] = "/api/cameras/cam-";
    const char *path = strchr(c->head, ' ');
    c->camera = &cameras[0];
    if (!path || strncmp(++path, prefix, sizeof prefix - 1)) return path;
    char *rest;
    unsigned long number = strtoul(path + sizeof prefix - 1, &rest, 10);
    if (number < MAX_CAMERAS) c->camera = &cameras[1 + number];
    return rest;
}

static void add_viewer(Camera *k, Connection *c) {
    if (k->viewer_count == k->viewer_room) {
        k->viewer_room = k->viewer_room ? 2 * k->viewer_room : 4;
        k->viewers = need(realloc(k->viewers, k->viewer_room * sizeof *k->viewers));
    }
    c->is_viewer = 1;
    c->place = k->viewer_count;
    k->viewers[k->viewer_count++] = c;
    all_viewers++;
}

static int say(Connection *c, const char *text) {
    size_t n = strlen(text);
    return send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static int answer_get(Connection *c) {
    const char *what = find_camera(c);
    if (what && !strncmp(what, "/stream", 7) && all_viewers < MAX_VIEWERS) {
        if (!say(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\n"
                    "Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")) return 0;
        add_viewer(c->camera, c);
        return send_on(c);
    }
    Frame *newest = c->camera->newest;
    if (!what || strncmp(what, "/api/frame", 10) || !newest) return say(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    char head[128];
    int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", newest->jpeg_size);
    if (send(c->fd, head, n, MSG_NOSIGNAL | MSG_MORE) != n) return 0;
    c->sending = hold(newest);
    c->sent = newest->jpeg_at;
    return send_on(c);
}

// Reads a request, or what there is of it; 0 where the connection is broken or ended.
static int receive(Connection *c) {
    for (;;) {
        if (c->upload) {
            ssize_t n = recv(c->fd, c->upload->bytes + c->upload->jpeg_at + c->received, c->upload->jpeg_size - c->received, 0);
            if (n <= 0) return n < 0 && errno == EAGAIN;
            c->received += n;
        } else {
            ssize_t n = recv(c->fd, c->head + c->head_size, sizeof c->head - 1 - c->head_size, 0);
            if (n <= 0) return n < 0 && errno == EAGAIN;
            c->head[c->head_size += n] = 0;
            char *end = strstr(c->head, "\r\n\r\n");
            if (!end && c->head_size == sizeof c->head - 1) return 0;
            if (!end) continue;
            if (strncmp(c->head, "POST ", 5)) {
                c->head_size = 0;
                if (!answer_get(c)) return 0;
                continue;
            }
            char *length = strcasestr(c->head, "content-length:");
            long jpeg_size = length ? atol(length + 15) : 0;
            size_t rest = c->head + c->head_size - (end + 4);
            find_camera(c);
            if (jpeg_size <= 0 || jpeg_size > MAX_FRAME_BYTES || rest > (size_t)jpeg_size) return 0;
            c->upload = allocate_frame(jpeg_size);
            memcpy(c->upload->bytes + c->upload->jpeg_at, end + 4, rest);
            c->received = rest;
            c->head_size = 0;
        }
        if (c->received < c->upload->jpeg_size) continue;
        Frame *f = c->upload;
        c->upload = 0;
        publish(c->camera, f);
        if (!say(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) return 0;
    }
}

static void accept_all(int listener) {
    int one = 1;
    for (int fd; (fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Connection *c = need(calloc(1, sizeof *c));
        c->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: epoll PORT\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("epoll"), 1;
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = -1}, events[256];
    event.data.ptr = &listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &poller; // stands for standard input
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
    printf("{\"ready\":true}\n");
    fflush(stdout);

    for (;;) {
        int n = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < n; i++) {
            void *of = events[i].data.ptr;
            if (of == &listener) accept_all(listener);
            else if (of == &poller) return 0;
            else {
                Connection *c = of;
                int alive = 1;
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = receive(c);
                if (alive && events[i].events & EPOLLOUT) alive = send_on(c);
                if (!alive) close_connection(c);
            }
        }
    }
}
