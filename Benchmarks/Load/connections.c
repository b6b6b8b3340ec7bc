#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

int prepare_descriptors(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  struct rlimit more = {.rlim_cur = 262144, .rlim_max = 262144};
  if (limit.rlim_max < more.rlim_max && setrlimit(RLIMIT_NOFILE, &more) == 0) {
    limit = more;
  } else {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur > 1000000 ? 1000000 : (int)limit.rlim_cur - 32;
}

int start_connecting(unsigned number) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  int yes = 1;
  if (options.sources > 0) {
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(0x7f000002 + number % (unsigned)options.sources)};
    /* The port is chosen when the peer is known, so that each address has all of them. */
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(descriptor, (struct sockaddr *)&source, sizeof source) != 0) fail("bind: %s", strerror(errno));
  }
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(descriptor, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

static void await(int descriptor, short events, int seconds) {
  struct pollfd poller = {.fd = descriptor, .events = events};
  int count;
  do count = poll(&poller, 1, seconds * 1000);
  while (count < 0 && errno == EINTR);
  if (count == 0) fail("the server did nothing for %d s", seconds);
}

void await_readable(int descriptor, int seconds) { await(descriptor, POLLIN, seconds); }

int connect_one(unsigned number) {
  int descriptor = start_connecting(number);
  if (descriptor < 0) fail("connect: %s", strerror(errno));
  await(descriptor, POLLOUT, patience);
  int error = 0, yes = 1;
  socklen_t size = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) fail("connect: %s", strerror(error));
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return descriptor;
}

void ask_once(int descriptor) {
  uint8_t answer[largest_message];
  size_t size = 0;
  if (send(descriptor, fast_request, fast_request_size, MSG_NOSIGNAL) != (ssize_t)fast_request_size)
    fail("send: %s", strerror(errno));
  while (size < fast_answer_size) {
    await_readable(descriptor, patience);
    ssize_t count = recv(descriptor, answer + size, fast_answer_size - size, 0);
    if (count <= 0) fail("the server closed a connection");
    size += (size_t)count;
  }
  check_fast_answer(answer);
}

/* Connections are accepted in order, so whoever is answered shows that those before it are. A
 * listener's queue is not overrun this way. */
void connect_all(int *descriptors, int count) {
  for (int i = 0; i < count; i++) {
    descriptors[i] = connect_one((unsigned)i);
    if (i % 128 == 127 || i == count - 1) {
      int probe = connect_one((unsigned)i);
      ask_once(probe);
      close(probe);
    }
  }
}

void await_clients(int descriptor, int count) {
  /* Only the task's server says so; connect_all has seen that all are accepted. */
  if (options.echo) return;
  uint8_t request[slow_request_maximum], bytes[64];
  size_t request_size = encode_slow_request(request, 0);
  uint32_t clients = 0;
  for (int64_t deadline = now_ns() + 5 * second_ns; now_ns() < deadline; usleep(1000)) {
    if (send(descriptor, request, request_size, MSG_NOSIGNAL) < 0) fail("send: %s", strerror(errno));
    size_t size = 0;
    do {
      await_readable(descriptor, patience);
      ssize_t received = recv(descriptor, bytes + size, sizeof bytes - size, 0);
      if (received <= 0) fail("the server closed a connection");
      size += (size_t)received;
    } while (decode_slow_answer(bytes, size, &clients) == 0);
    if (clients == (uint32_t)count) return;
  }
  fail("the server counts %u clients, and there are %d", clients, count);
}
