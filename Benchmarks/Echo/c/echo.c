/* The least that an echo can cost: one read and one write a wake-up on raw epoll, and nothing else.
 *
 *     echo-c --port N
 *
 * Bytes that the kernel does not take are kept, and the connection is not read before they are out. */
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
#include <unistd.h>

struct rest {
  char *bytes; /* What is still to be sent; NULL when there is nothing. */
  size_t sent, count;
};

static struct rest *rests; /* By descriptor. */
static int poller, listener;
static char input[65536];

static void stop(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int descriptor, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  if (epoll_ctl(poller, how, descriptor, &event) != 0) stop("epoll_ctl");
}

static void leave(int client) {
  free(rests[client].bytes);
  rests[client] = (struct rest){0};
  close(client);
}

static void accept_all(void) {
  for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    watch(client, EPOLLIN, EPOLL_CTL_ADD);
  }
}

static void send_rest(int client) {
  struct rest *rest = &rests[client];
  ssize_t sent = write(client, rest->bytes + rest->sent, rest->count - rest->sent);
  if (sent < 0 && errno != EAGAIN) return leave(client);
  if (sent > 0) rest->sent += (size_t)sent;
  if (rest->sent < rest->count) return;
  free(rest->bytes);
  *rest = (struct rest){0};
  watch(client, EPOLLIN, EPOLL_CTL_MOD);
}

static void echo(int client) {
  ssize_t count = read(client, input, sizeof input);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return leave(client);
  ssize_t sent = write(client, input, (size_t)count);
  if (sent < 0 && errno != EAGAIN) return leave(client);
  if (sent == count) return;
  size_t left = (size_t)(count - (sent < 0 ? 0 : sent));
  rests[client] = (struct rest){.bytes = malloc(left), .count = left};
  if (!rests[client].bytes) stop("malloc");
  memcpy(rests[client].bytes, input + count - left, left);
  watch(client, EPOLLOUT, EPOLL_CTL_MOD);
}

int main(int count, char **arguments) {
  if (count != 3 || strcmp(arguments[1], "--port") != 0) {
    fprintf(stderr, "usage: echo-c --port N\n");
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) stop("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) stop("setrlimit");
  rests = calloc(limit.rlim_cur, sizeof *rests);
  poller = epoll_create1(EPOLL_CLOEXEC);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (!rests || poller < 0 || listener < 0) stop("start");
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[2])),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) != 0)
    stop("listen");
  watch(listener, EPOLLIN, EPOLL_CTL_ADD);
  fprintf(stderr, "listening address=127.0.0.1 port=%d\n", ntohs(address.sin_port));

  struct epoll_event events[1024];
  for (;;) {
    int ready = epoll_wait(poller, events, 1024, -1);
    if (ready < 0 && errno != EINTR) stop("epoll_wait");
    for (int index = 0; index < ready; index++) {
      int descriptor = events[index].data.fd;
      if (descriptor == listener) accept_all();
      else if (rests[descriptor].bytes) send_rest(descriptor);
      else echo(descriptor);
    }
  }
}
