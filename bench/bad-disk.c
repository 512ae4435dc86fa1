/*
 * A disk that is slow or fails, for one process: to be loaded before its libraries (LD_PRELOAD). What it does to files
 * below BAD_DISK_FOLDER stands in the file BAD_DISK_CONTROL, which may be changed at any time:
 *
 *   uint32  how long each flush (fsync, fdatasync) takes longer, in microseconds
 *   uint32  how many of a thousand calls fail
 *   uint32  which: 1 write, 2 flush, 4 rename, 8 open for writing
 *   uint32  with which errno
 *   uint32  how many calls have failed; counted here
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, FLUSH = 2, RENAME = 4, OPEN = 8 };

struct control { uint32_t delay_us, per_mille, kinds, error; _Atomic uint32_t failed; };

static volatile struct control *control;
static const char *folder;
static _Atomic uint32_t state = 1;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("BAD_DISK_CONTROL");
  folder = getenv("BAD_DISK_FOLDER");
  if (path == NULL || folder == NULL) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) { perror(path); abort(); }
  void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) { perror(path); abort(); }
  close(fd);
  control = at;
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static int is_ours(const char *path) { return path != NULL && strncmp(path, folder, strlen(folder)) == 0; }

static int is_our_file(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return is_ours(path);
}

/* Marsaglia's xorshift; threads may take the same number, which does not matter. */
static uint32_t next(void) {
  uint32_t x = state;
  x ^= x << 13; x ^= x >> 17; x ^= x << 5;
  state = x;
  return x;
}

/* Whether a call of this kind is to fail now; its errno is set then. */
static int fails(uint32_t kind) {
  if ((control->kinds & kind) == 0 || next() % 1000 >= control->per_mille) return 0;
  control->failed++;
  errno = (int)control->error;
  return 1;
}

static int is_watched(void) { return control != NULL && (control->per_mille != 0 || control->delay_us != 0); }

static int flush(int fd, int (*call)(int)) {
  if (!is_watched() || !is_our_file(fd)) return call(fd);
  struct timespec delay = { control->delay_us / 1000000, (long)(control->delay_us % 1000000) * 1000 };
  nanosleep(&delay, NULL);
  return fails(FLUSH) ? -1 : call(fd);
}

int fsync(int fd) { return flush(fd, REAL(fsync)); }
int fdatasync(int fd) { return flush(fd, REAL(fdatasync)); }

static int write_fails(int fd) { return is_watched() && is_our_file(fd) && fails(WRITE); }

ssize_t write(int fd, const void *bytes, size_t size) { return write_fails(fd) ? -1 : REAL(write)(fd, bytes, size); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return write_fails(fd) ? -1 : REAL(pwrite)(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { return write_fails(fd) ? -1 : REAL(pwrite64)(fd, bytes, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return write_fails(fd) ? -1 : REAL(writev)(fd, parts, count); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return write_fails(fd) ? -1 : REAL(pwritev)(fd, parts, count, at); }

int rename(const char *from, const char *to) { return is_watched() && is_ours(from) && fails(RENAME) ? -1 : REAL(rename)(from, to); }

static int open_fails(const char *path, int flags) {
  return is_watched() && is_ours(path) && (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && fails(OPEN);
}

#define MODE(flags, mode) \
  mode_t mode = 0; \
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE(flags, mode) return open_fails(path, flags) ? -1 : REAL(open)(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return open_fails(path, flags) ? -1 : REAL(open64)(path, flags, mode); }
