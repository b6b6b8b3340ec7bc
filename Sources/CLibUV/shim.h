/* What Swift needs of libuv: its header, and the casts that C code writes as
   (uv_stream_t *) and Swift has no words for. Every libuv handle and request
   begins with the members of its base, which makes the casts well defined:
   https://docs.libuv.org/en/v1.x/handle.html */
#ifndef CLIBUV_SHIM_H
#define CLIBUV_SHIM_H

#include <uv.h>

#if UV_VERSION_HEX < 0x012c00
#error "UVNet needs libuv 1.44 or newer"
#endif

static inline uv_stream_t *cuv_stream(uv_handle_t *handle) {
  return (uv_stream_t *)handle;
}

static inline uv_tcp_t *cuv_tcp(uv_handle_t *handle) {
  return (uv_tcp_t *)handle;
}

static inline uv_pipe_t *cuv_pipe(uv_handle_t *handle) {
  return (uv_pipe_t *)handle;
}

static inline uv_tty_t *cuv_tty(uv_handle_t *handle) {
  return (uv_tty_t *)handle;
}

static inline uv_timer_t *cuv_timer(uv_handle_t *handle) {
  return (uv_timer_t *)handle;
}

static inline uv_poll_t *cuv_poll(uv_handle_t *handle) {
  return (uv_poll_t *)handle;
}

static inline uv_signal_t *cuv_signal(uv_handle_t *handle) {
  return (uv_signal_t *)handle;
}

static inline uv_prepare_t *cuv_prepare(uv_handle_t *handle) {
  return (uv_prepare_t *)handle;
}

static inline uv_idle_t *cuv_idle(uv_handle_t *handle) {
  return (uv_idle_t *)handle;
}

static inline uv_check_t *cuv_check(uv_handle_t *handle) {
  return (uv_check_t *)handle;
}

static inline uv_async_t *cuv_async(uv_handle_t *handle) {
  return (uv_async_t *)handle;
}

/* Sockets that do not block and that no child process inherits, made so in one system call where
   the system can: accept(2) and socket(2) of Linux. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__) && !defined(__USE_GNU)
/* The system's headers declare these with _GNU_SOURCE only. That would change fd_set as well, and
   Swift cannot build a module that has another fd_set than its own Glibc. */
struct mmsghdr {
  struct msghdr msg_hdr;
  unsigned int msg_len;
};
int accept4(int, struct sockaddr *, socklen_t *, int);
int recvmmsg(int, struct mmsghdr *, unsigned int, int, struct timespec *);
int sendmmsg(int, struct mmsghdr *, unsigned int, int);
int pthread_setname_np(pthread_t, const char *);
#endif

static inline int cuv_set_flags(int descriptor) {
  if (descriptor >= 0 && (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 || fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0)) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

static inline int cuv_accept(int listener, struct sockaddr *peer, socklen_t *size) {
#ifdef __linux__
  return accept4(listener, peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  return cuv_set_flags(accept(listener, peer, size));
#endif
}

static inline int cuv_stream_socket(int family) {
#ifdef __linux__
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  return cuv_set_flags(socket(family, SOCK_STREAM, 0));
#endif
}

/* Has a listening TCP socket drop requests for connections (a SYN without an ACK), as if they were lost on
   their way; everything else goes on. By a filter on the socket, in the instructions of classic BPF:
   https://man7.org/linux/man-pages/man7/socket.7.html, SO_ATTACH_FILTER. Returns 0 or a negative errno. */
static inline int cuv_drop_connection_requests(int listener) {
#ifdef __linux__
  struct {
    unsigned short code;
    unsigned char if_true, if_false;
    unsigned int value;
  } filter[] = {
      {0x30, 0, 0, 13},   /* load the byte with the flags, of the TCP header */
      {0x54, 0, 0, 0x12}, /* and it with SYN and ACK */
      {0x15, 0, 1, 0x02}, /* if SYN is left alone */
      {0x06, 0, 0, 0},    /* take nothing of the packet */
      {0x06, 0, 0, 0xffffffff},
  };
  struct {
    unsigned short length;
    void *filter;
  } program = {sizeof(filter) / sizeof(filter[0]), filter};
  return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ? 0 : -errno;
#else
  (void)listener;
  return -ENOTSUP;
#endif
}

#ifdef __linux__
#include <sys/timerfd.h>

/* A descriptor that is readable once a wait is over, by the clock of uv_hrtime.
   https://man7.org/linux/man-pages/man2/timerfd_create.2.html */
static inline int cuv_alarm_create(void) {
  return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

/* Makes it readable so many nanoseconds from now, 0 for never; what was due before is due no more. */
static inline int cuv_alarm_set(int descriptor, uint64_t nanoseconds) {
  struct itimerspec wait = {{0, 0}, {0, 0}};
  wait.it_value.tv_sec = (time_t)(nanoseconds / 1000000000u);
  wait.it_value.tv_nsec = (long)(nanoseconds % 1000000000u);
  return timerfd_settime(descriptor, 0, &wait, NULL);
}
#endif

#include "datagrams.h"
#include "unix.h"

#endif
