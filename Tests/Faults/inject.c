/* Lets one system call, or one of libuv's allocations, fail in a program that knows nothing of it.
 *
 *   cc -shared -fPIC -o inject.so inject.c
 *   INJECT=call:7:0 INJECT_REPORT=report LD_PRELOAD=./inject.so program
 *
 * call:N:K     the Nth call fails, with the Kth of the errors that it can fail with
 * memory:N:0   the Nth allocation of libuv's fails
 * memory:N:1   it and all after it fail
 *
 * The report gets a line `fired WHAT ERRNO MORE` when it has happened, MORE being 1 while there are
 * other errors to try in this place; and when the program exits, a line `left KIND` for each
 * descriptor that it has opened and not closed, and `end CALLS ALLOCATIONS LIVE`, LIVE being what
 * libuv has allocated and not freed.
 *
 * A call fails only with what its manual page gives for a call that is right: a pipe that the
 * process has to itself fails to be read with EINTR, and with nothing else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 256

static int counts_calls, counts_memory, is_sticky;
static long chosen, which, calls, allocations, live;
static char inherited[MOST_DESCRIPTORS];

#define REAL(name) ((__typeof__(&name))find(#name))

static void *find(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

static void report(const char *format, ...) {
  const char *path = getenv("INJECT_REPORT");
  if (!path) return;
  int saved = errno;
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  int file = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0) {
    if (REAL(write)(file, line, (size_t)length) != length) abort();
    REAL(close)(file);
  }
  errno = saved;
}

/* Whether this call is the one to fail, with one of `errors` (0 is the last); then errno is set. */
static int fails(const char *name, const int *errors) {
  if (!counts_calls || ++calls != chosen) return 0;
  int count = 0;
  while (errors[count]) count++;
  if (count == 0) return 0;
  int error = errors[which % count];
  report("fired %s %s %d\n", name, strerrorname_np(error), which + 1 < count);
  errno = error;
  return 1;
}

/* ---- What can go wrong, where it depends on what a descriptor is. */

static const int only_interrupted[] = {EINTR, 0};
static const int nothing[] = {0};

enum kind { SOCKET, FILE_, OTHER };

static enum kind kind(int descriptor) {
  struct stat status;
  int saved = errno;
  int result = fstat(descriptor, &status);
  errno = saved;
  if (result == 0 && S_ISSOCK(status.st_mode)) return SOCKET;
  return result == 0 && S_ISREG(status.st_mode) ? FILE_ : OTHER;
}

static const int *reading(int descriptor) {
  static const int socket[] = {ECONNRESET, EINTR, EAGAIN, ETIMEDOUT, ENOMEM, 0};
  static const int file[] = {EIO, EINTR, 0};
  enum kind is = kind(descriptor);
  return is == SOCKET ? socket : is == FILE_ ? file : only_interrupted;
}

static const int *writing(int descriptor) {
  static const int socket[] = {EPIPE, EINTR, EAGAIN, ECONNRESET, ENOBUFS, ENOMEM, 0};
  static const int file[] = {ENOSPC, EINTR, EIO, EDQUOT, 0};
  enum kind is = kind(descriptor);
  return is == SOCKET ? socket : is == FILE_ ? file : only_interrupted;
}

/* ---- The calls. */

#define TRY(name, ...)                                    \
  do {                                                    \
    static const int errors[] = {__VA_ARGS__, 0};         \
    if (fails(name, errors)) return -1;                   \
  } while (0)

ssize_t read(int d, void *b, size_t n) {
  return fails("read", reading(d)) ? -1 : REAL(read)(d, b, n);
}
ssize_t readv(int d, const struct iovec *v, int n) {
  return fails("readv", reading(d)) ? -1 : REAL(readv)(d, v, n);
}
ssize_t recvmsg(int d, struct msghdr *m, int f) {
  return fails("recvmsg", reading(d)) ? -1 : REAL(recvmsg)(d, m, f);
}
ssize_t pread(int d, void *b, size_t n, off_t o) {
  return fails("pread", reading(d)) ? -1 : REAL(pread)(d, b, n, o);
}
ssize_t write(int d, const void *b, size_t n) {
  return fails("write", writing(d)) ? -1 : REAL(write)(d, b, n);
}
ssize_t writev(int d, const struct iovec *v, int n) {
  return fails("writev", writing(d)) ? -1 : REAL(writev)(d, v, n);
}
ssize_t sendmsg(int d, const struct msghdr *m, int f) {
  return fails("sendmsg", writing(d)) ? -1 : REAL(sendmsg)(d, m, f);
}
int ftruncate(int d, off_t n) {
  TRY("ftruncate", EIO);
  return REAL(ftruncate)(d, n);
}

int socket(int d, int t, int p) {
  TRY("socket", EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES);
  return REAL(socket)(d, t, p);
}
int bind(int d, const struct sockaddr *a, socklen_t n) {
  TRY("bind", EADDRINUSE, EACCES, EADDRNOTAVAIL);
  return REAL(bind)(d, a, n);
}
int listen(int d, int n) {
  TRY("listen", EADDRINUSE);
  return REAL(listen)(d, n);
}
int accept4(int d, struct sockaddr *a, socklen_t *n, int f) {
  TRY("accept4", EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EINTR, EAGAIN, EPERM, EPROTO);
  return REAL(accept4)(d, a, n, f);
}
int connect(int d, const struct sockaddr *a, socklen_t n) {
  TRY("connect", ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EINTR, EAGAIN, EACCES, ETIMEDOUT);
  return REAL(connect)(d, a, n);
}
int shutdown(int d, int how) {
  TRY("shutdown", ENOTCONN);
  return REAL(shutdown)(d, how);
}
int setsockopt(int d, int l, int o, const void *v, socklen_t n) {
  TRY("setsockopt", ENOMEM, ENOBUFS, EINVAL, ENOPROTOOPT);
  return REAL(setsockopt)(d, l, o, v, n);
}
int getsockopt(int d, int l, int o, void *v, socklen_t *n) {
  TRY("getsockopt", ENOBUFS, ENOPROTOOPT);
  return REAL(getsockopt)(d, l, o, v, n);
}
int getsockname(int d, struct sockaddr *a, socklen_t *n) {
  TRY("getsockname", ENOBUFS);
  return REAL(getsockname)(d, a, n);
}
int getpeername(int d, struct sockaddr *a, socklen_t *n) {
  TRY("getpeername", ENOTCONN, ENOBUFS);
  return REAL(getpeername)(d, a, n);
}

int epoll_create1(int f) {
  TRY("epoll_create1", EMFILE, ENFILE, ENOMEM);
  return REAL(epoll_create1)(f);
}
int epoll_ctl(int e, int o, int d, struct epoll_event *v) {
  /* Taking away and changing need no memory. */
  static const int adding[] = {ENOMEM, ENOSPC, 0};
  if (fails("epoll_ctl", o == EPOLL_CTL_ADD ? adding : nothing)) return -1;
  return REAL(epoll_ctl)(e, o, d, v);
}
int epoll_wait(int e, struct epoll_event *v, int n, int t) {
  return fails("epoll_wait", only_interrupted) ? -1 : REAL(epoll_wait)(e, v, n, t);
}
int epoll_pwait(int e, struct epoll_event *v, int n, int t, const sigset_t *m) {
  return fails("epoll_pwait", only_interrupted) ? -1 : REAL(epoll_pwait)(e, v, n, t, m);
}
int poll(struct pollfd *p, nfds_t n, int t) {
  TRY("poll", EINTR, ENOMEM);
  return REAL(poll)(p, n, t);
}
int eventfd(unsigned n, int f) {
  TRY("eventfd", EMFILE, ENFILE, ENOMEM);
  return REAL(eventfd)(n, f);
}
int timerfd_create(int c, int f) {
  TRY("timerfd_create", EMFILE, ENFILE, ENOMEM);
  return REAL(timerfd_create)(c, f);
}
int pipe2(int d[2], int f) {
  TRY("pipe2", EMFILE, ENFILE);
  return REAL(pipe2)(d, f);
}

/* A close that fails has closed all the same. */
static int failing_close(int result) {
  TRY("close", EINTR, EIO);
  return result;
}
int close(int d) { return failing_close(REAL(close)(d)); }

long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  long result = REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return number == SYS_close ? failing_close((int)result) : result;
}

static mode_t mode(int flags, va_list arguments) {
  return flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
}
int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t m = mode(flags, arguments);
  va_end(arguments);
  TRY("open", EMFILE, ENFILE, ENOMEM, EACCES, EIO);
  return REAL(open)(path, flags, m);
}
int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t m = mode(flags, arguments);
  va_end(arguments);
  TRY("open", EMFILE, ENFILE, ENOMEM, EACCES, EIO);
  return REAL(open64)(path, flags, m);
}
/* Of all that fcntl does, making a descriptor alone can fail. */
int fcntl(int d, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  long argument = va_arg(arguments, long);
  va_end(arguments);
  static const int making[] = {EMFILE, 0};
  int makes = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  if (makes && fails("fcntl", making)) return -1;
  return REAL(fcntl)(d, command, argument);
}

/* ---- libuv's allocations. */

static int refuses(void) {
  allocations++;
  if (!counts_memory || allocations < chosen || (allocations > chosen && !is_sticky)) return 0;
  if (allocations == chosen) report("fired allocation ENOMEM 0\n");
  errno = ENOMEM;
  return 1;
}
static void *take(void *memory) {
  if (memory) live++;
  return memory;
}
static void *new_memory(size_t n) { return refuses() ? NULL : take(malloc(n)); }
static void *new_zeroes(size_t n, size_t m) { return refuses() ? NULL : take(calloc(n, m)); }
static void *more_memory(void *p, size_t n) {
  if (refuses()) return NULL;
  return p ? realloc(p, n) : take(malloc(n));
}
static void old_memory(void *p) {
  if (p) live--;
  free(p);
}

/* ---- The beginning and the end. */

/* Which descriptors are open; of those that were not before, reports what they are. */
static void look(int is_end) {
  for (int d = 0; d < MOST_DESCRIPTORS; d++) {
    char link[32], target[128];
    snprintf(link, sizeof link, "/proc/self/fd/%d", d);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) continue;
    if (!is_end) {
      inherited[d] = 1;
    } else if (!inherited[d]) {
      target[length] = 0;
      report("left %s\n", target);
    }
  }
}

__attribute__((constructor)) static void begin(void) {
  const char *order = getenv("INJECT");
  if (!order) return;
  char what[16] = "";
  if (sscanf(order, "%15[a-z]:%ld:%ld", what, &chosen, &which) != 3) abort();
  look(0);
  counts_calls = strcmp(what, "call") == 0;
  counts_memory = strcmp(what, "memory") == 0;
  is_sticky = counts_memory && which;
  typedef int replace(void *(*)(size_t), void *(*)(void *, size_t), void *(*)(size_t, size_t),
                      void (*)(void *));
  replace *replace_allocator = (replace *)dlsym(RTLD_DEFAULT, "uv_replace_allocator");
  if (!replace_allocator || replace_allocator(new_memory, more_memory, new_zeroes, old_memory))
    abort();
}

__attribute__((destructor)) static void end(void) {
  if (!getenv("INJECT")) return;
  counts_calls = counts_memory = 0;
  look(1);
  report("end %ld %ld %ld\n", calls, allocations, live);
}
