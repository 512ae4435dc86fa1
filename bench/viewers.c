// viewers PORT PATH VIEWERS SLOW SLOW_BYTES_PER_SECOND STOPPED CAMERAS
//
// Does what viewers.ts does, in the same words on standard input and output, for a fraction of its CPU: what is of no
// interest in a frame is dropped inside the kernel (recv with MSG_TRUNC) instead of being copied. Reads parts with a
// Content-Length only. One thread, epoll.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FREE, SLOW, STOPPED };                    // pace
enum { RESPONSE_HEAD, PART_HEAD, BODY, GONE };   // state
enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END };      // chunk_state
enum { SMALL_READ = 4096, HEAD_BYTES = 64, STAMP_AT = 6, TIME_DIGITS = 19, SEQUENCE_AT = 28, SEQUENCE_DIGITS = 13 };

typedef struct {
    int fd, pace, state, chunked, chunk_state, seen;
    long chunk_left, body_left, body_length;
    char text[2048];
    int text_length;
    unsigned char head[HEAD_BYTES], last[2];
    double budget;
    int64_t last_sequence;
    long frames, skipped, repeated, out_of_order, bad;
} Viewer;

static Viewer *viewers;
static int count, opened, poller;
static long lost, bytes;
static double *latencies_ms;
static size_t latency_count, latency_room;
static unsigned char scratch[SMALL_READ];

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void *need(void *memory) {
    if (!memory) abort();
    return memory;
}

static void lose(Viewer *v) {
    if (v->state == GONE) return;
    v->state = GONE;
    lost++;
    close(v->fd);
}

static int64_t digits(const unsigned char *at, int n) {
    int64_t value = 0;
    for (int i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9') return -1;
        value = value * 10 + at[i] - '0';
    }
    return value;
}

static void add_latency(double ms) {
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 1 << 16;
        latencies_ms = need(realloc(latencies_ms, latency_room * sizeof *latencies_ms));
    }
    latencies_ms[latency_count++] = ms;
}

static void end_frame(Viewer *v, int64_t at_ns) {
    v->state = PART_HEAD;
    v->seen = 1;
    v->frames++;
    const unsigned char *h = v->head;
    int stamped = v->body_length >= HEAD_BYTES && h[2] == 0xff && h[3] == 0xfe && h[6] == 'T' && h[7] == '=';
    int64_t sent_ns = stamped ? digits(h + STAMP_AT + 2, TIME_DIGITS) : -1;
    int64_t sequence = stamped ? digits(h + SEQUENCE_AT + 2, SEQUENCE_DIGITS) : -1;
    if (h[0] != 0xff || h[1] != 0xd8 || v->last[0] != 0xff || v->last[1] != 0xd9 || sent_ns < 0 || sequence < 0) {
        v->bad++;
        return;
    }
    if (v->pace == FREE) add_latency((at_ns - sent_ns) / 1e6);
    int64_t step = sequence - v->last_sequence;
    if (v->last_sequence >= 0) {
        if (step == 0) v->repeated++;
        else if (step < 0) v->out_of_order++;
        else v->skipped += step - 1;
    }
    v->last_sequence = sequence;
}

static void take_body(Viewer *v, const unsigned char *p, long n, int64_t at_ns) {
    long done = v->body_length - v->body_left;
    if (done < HEAD_BYTES) memcpy(v->head + done, p, n < HEAD_BYTES - done ? n : HEAD_BYTES - done);
    v->last[0] = n > 1 ? p[n - 2] : v->last[1];
    v->last[1] = p[n - 1];
    v->body_left -= n;
    if (!v->body_left) end_frame(v, at_ns);
}

// Collects the bytes of a head; true when it is complete.
static int head_complete(Viewer *v, unsigned char byte) {
    if (v->text_length >= (int)sizeof v->text - 1) return lose(v), 0;
    v->text[v->text_length++] = byte;
    v->text[v->text_length] = 0;
    if (byte != '\n' || v->text_length < 4 || memcmp(v->text + v->text_length - 4, "\r\n\r\n", 4)) return 0;
    v->text_length = 0;
    return 1;
}

static void take_parts(Viewer *v, const unsigned char *p, long n, int64_t at_ns) {
    while (n > 0 && v->state != GONE) {
        long taken = 1;
        if (v->state == BODY) {
            taken = n < v->body_left ? n : v->body_left;
            take_body(v, p, taken, at_ns);
        } else if (head_complete(v, *p)) {
            const char *length = strcasestr(v->text, "content-length:");
            v->body_length = v->body_left = length ? atol(length + 15) : 0;
            if (v->body_length <= 0) return lose(v);
            v->state = BODY;
        }
        p += taken;
        n -= taken;
    }
}

static void take_chunks(Viewer *v, const unsigned char *p, long n, int64_t at_ns) {
    while (n > 0 && v->state != GONE) {
        long taken = 1;
        if (v->chunk_state == CHUNK_DATA) {
            taken = n < v->chunk_left ? n : v->chunk_left;
            take_parts(v, p, taken, at_ns);
            if (!(v->chunk_left -= taken)) v->chunk_state = CHUNK_END;
        } else if (v->chunk_state == CHUNK_END) {
            if (*p == '\n') v->chunk_state = CHUNK_SIZE;
        } else if (*p == '\n') {
            if (!v->chunk_left) return lose(v);
            v->chunk_state = CHUNK_DATA;
        } else if (*p != '\r') {
            int digit = *p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10;
            v->chunk_left = v->chunk_left * 16 + digit;
        }
        p += taken;
        n -= taken;
    }
}

static void take(Viewer *v, const unsigned char *p, long n, int64_t at_ns) {
    while (n > 0 && v->state == RESPONSE_HEAD) {
        int complete = head_complete(v, *p);
        p++;
        n--;
        if (!complete) continue;
        if (strncmp(v->text, "HTTP/1.", 7) || strncmp(v->text + 8, " 200", 4)) return lose(v);
        v->chunked = strcasestr(v->text, "transfer-encoding: chunked") != 0;
        v->state = PART_HEAD;
    }
    if (v->chunked) take_chunks(v, p, n, at_ns);
    else take_parts(v, p, n, at_ns);
}

// How many of the next bytes say nothing: a frame between its first bytes and its last two, within one chunk.
static long droppable(const Viewer *v) {
    if (v->state != BODY || v->body_length - v->body_left < HEAD_BYTES) return 0;
    if (!v->chunked) return v->body_left - 2;
    if (v->chunk_state != CHUNK_DATA) return 0;
    return v->body_left - 2 < v->chunk_left - 1 ? v->body_left - 2 : v->chunk_left - 1;
}

static void read_up_to(Viewer *v, long allowed) {
    while (allowed > 0 && v->state != GONE) {
        long drop = droppable(v), want = drop > SMALL_READ ? drop : SMALL_READ;
        if (drop <= SMALL_READ) drop = 0;
        // Around a head and around the end of a frame small reads do; the rest is dropped.
        if (!drop && v->state != BODY && want > 512) want = 512;
        if (want > allowed) want = allowed;
        ssize_t got = recv(v->fd, drop ? 0 : scratch, want, drop ? MSG_TRUNC : 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) return lose(v);
        int64_t at_ns = now_ns();
        bytes += got;
        allowed -= got;
        v->budget -= got;
        if (drop) {
            v->body_left -= got;
            if (v->chunked) v->chunk_left -= got;
        } else take(v, scratch, got, at_ns);
        if (got < want) return;
    }
}

// A {camera} in the path stands for the viewer's own: its number, modulo the number of cameras.
static int write_request(char *request, size_t room, int port, const char *path, int camera) {
    const char *place = strstr(path, "{camera}");
    const char *format = "GET %.*s%.*d%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n\r\n";
    if (!place) return snprintf(request, room, format, (int)strlen(path), path, 0, 0, "", port);
    return snprintf(request, room, format, (int)(place - path), path, 1, camera, place + 8, port);
}

static void open_viewer(Viewer *v, int port, const char *path, int camera, int pace) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[512];
    int length = write_request(request, sizeof request, port, path, camera);
    v->pace = pace;
    v->last_sequence = -1;
    v->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (v->fd < 0 || connect(v->fd, (struct sockaddr *)&address, sizeof address) || send(v->fd, request, length, MSG_NOSIGNAL) != length) return lose(v);
    fcntl(v->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
    epoll_ctl(poller, EPOLL_CTL_ADD, v->fd, &event);
}

static void serve_events(int timeout_ms);

static void wait_until_streaming(int from, int64_t deadline_ns) {
    for (int i = from; i < opened; i++)
        while (viewers[i].state == RESPONSE_HEAD && now_ns() < deadline_ns) serve_events(5);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_rates(const char *name, int pace, double seconds) {
    const char *comma = "";
    printf(",\"%s\":[", name);
    for (int i = 0; i < count; i++)
        if (viewers[i].pace == pace) printf("%s%.4f", comma, viewers[i].frames / seconds), comma = ",";
    printf("]");
}

static int64_t began_ns;
static double cpu_before;

static void begin(void) {
    for (int i = 0; i < count; i++) viewers[i].frames = viewers[i].skipped = viewers[i].repeated = viewers[i].out_of_order = viewers[i].bad = 0;
    latency_count = bytes = 0;
    cpu_before = cpu_seconds();
    began_ns = now_ns();
}

static void report(void) {
    double seconds = (now_ns() - began_ns) / 1e9, cpu = cpu_seconds() - cpu_before;
    long skipped = 0, repeated = 0, out_of_order = 0, bad = 0;
    for (int i = 0; i < count; i++) {
        bad += viewers[i].bad;
        if (viewers[i].pace != FREE) continue;
        skipped += viewers[i].skipped, repeated += viewers[i].repeated, out_of_order += viewers[i].out_of_order;
    }
    printf("{\"seconds\":%.6f,\"bytes\":%ld", seconds, bytes);
    print_rates("framesPerSecond", FREE, seconds);
    print_rates("slowFramesPerSecond", SLOW, seconds);
    if (latency_count) {
        qsort(latencies_ms, latency_count, sizeof *latencies_ms, by_value);
        size_t p99 = (latency_count * 99 + 99) / 100 - 1;
        printf(",\"latencyP50Ms\":%.4f,\"latencyP99Ms\":%.4f", latencies_ms[(latency_count + 1) / 2 - 1], latencies_ms[p99]);
    }
    printf(",\"skipped\":%ld,\"repeated\":%ld,\"outOfOrder\":%ld,\"bad\":%ld,\"lost\":%ld,\"cpuSeconds\":%.4f}\n",
           skipped, repeated, out_of_order, bad, lost, cpu);
    fflush(stdout);
}

// A line of the runner; it ends this process, and so does its own end.
static void obey(void) {
    char line[256];
    ssize_t n = read(0, line, sizeof line - 1);
    if (n <= 0) exit(1);
    line[n] = 0;
    if (strstr(line, "begin")) begin();
    if (strstr(line, "end")) report(), exit(0);
}

static void serve_events(int timeout_ms) {
    struct epoll_event events[256];
    int n = epoll_wait(poller, events, 256, timeout_ms);
    for (int i = 0; i < n; i++) {
        Viewer *v = events[i].data.ptr;
        if (!v) {
            obey();
            continue;
        }
        if (v->state == RESPONSE_HEAD || v->pace == FREE) read_up_to(v, v->pace == FREE ? 1 << 20 : 512);
        if (v->state != RESPONSE_HEAD && v->state != GONE && v->pace != FREE) epoll_ctl(poller, EPOLL_CTL_DEL, v->fd, 0);
    }
}

int main(int argc, char **argv) {
    if (argc != 8) return fprintf(stderr, "usage: viewers PORT PATH VIEWERS SLOW SLOW_BYTES_PER_SECOND STOPPED CAMERAS\n"), 2;
    int port = atoi(argv[1]), slow = atoi(argv[4]), stopped = atoi(argv[6]), cameras = atoi(argv[7]);
    double slow_rate = atof(argv[5]);
    count = atoi(argv[3]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    viewers = need(calloc(count, sizeof *viewers));
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event commands = {.events = EPOLLIN, .data.ptr = 0};
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands);

    int64_t deadline_ns = now_ns() + 20000000000LL;
    while (opened < count) { // the first alone, see viewers.ts
        int from = opened, to = from ? from + 16 : 1;
        for (; opened < to && opened < count; opened++) {
            int from_end = count - opened;
            open_viewer(&viewers[opened], port, argv[2], opened % cameras, from_end <= stopped ? STOPPED : from_end <= stopped + slow ? SLOW : FREE);
        }
        wait_until_streaming(from, deadline_ns);
    }
    for (int i = 0; i < count; i++)
        while (viewers[i].pace == FREE && !viewers[i].seen && viewers[i].state != GONE && now_ns() < deadline_ns) serve_events(5);
    printf("{\"ready\":true}\n");
    fflush(stdout);

    for (int64_t last_ns = now_ns();;) {
        serve_events(slow ? 10 : 1000);
        double passed = (now_ns() - last_ns) / 1e9;
        if (!slow || passed < 0.02) continue;
        last_ns += passed * 1e9;
        for (int i = 0; i < count; i++) {
            Viewer *v = &viewers[i];
            if (v->pace != SLOW || v->state == GONE) continue;
            v->budget += slow_rate * passed;
            if (v->budget > 2 * SMALL_READ) v->budget = 2 * SMALL_READ;
            read_up_to(v, v->budget);
        }
    }
}
