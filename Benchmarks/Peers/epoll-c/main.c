/* The limit: the task's server on raw epoll, with nothing between it and the kernel.
 *
 * Edge-triggered, so that the kernel does not look at a connection again that was served: one read
 * and one write a wake-up. A FIN behind data shows as EPOLLRDHUP, a FIN after the wake-up is an edge
 * of its own. A connection is 16 bytes; buffers exist only while a frame is incomplete or an answer
 * is unsent. Sleeping requests are in one heap behind one timerfd, which, unlike epoll's timeout, is
 * not late by a thousandth. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../codec-c/codec.h"

/* What a connection has while something is unfinished. */
struct unfinished {
  uint8_t *input; /* The part of a frame that has come. */
  size_t input_size;
  uint8_t *output; /* Answers that the kernel did not take, or that came due together. */
  size_t output_size, output_capacity;
  bool is_due;       /* In the list of those that answers came due for. */
  bool has_readable; /* Reading waits until the output is out. */
  bool ends;         /* Closes when the output is out. */
};

/* By descriptor. */
struct connection {
  uint32_t generation; /* Odd while it is open. */
  uint32_t sleeping;
  struct unfinished *unfinished;
};

struct sleeper {
  int64_t deadline;
  uint32_t descriptor, generation, clients;
};

static struct connection *connections;
static uint32_t clients;
static int poller, listener, timer;
static struct fast_answers answers;
static uint8_t input[maximum_prefix + maximum_frame + 65536];

static struct sleeper *sleepers; /* A heap of four children a node. */
static size_t sleeper_count, sleeper_capacity, dead_sleepers;
static int64_t armed_for = INT64_MAX;
static int *due;
static size_t due_count;

static void stop(const char *what) {
  perror(what);
  exit(1);
}

static void *checked(void *memory) {
  if (!memory) stop("memory");
  return memory;
}

static int64_t monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The heap */

static void sift_down(size_t at, struct sleeper sleeper) {
  for (;;) {
    size_t child = at * 4 + 1, least = child;
    if (child >= sleeper_count) break;
    size_t end = child + 4 < sleeper_count ? child + 4 : sleeper_count;
    for (size_t other = child + 1; other < end; other++)
      if (sleepers[other].deadline < sleepers[least].deadline) least = other;
    if (sleepers[least].deadline >= sleeper.deadline) break;
    sleepers[at] = sleepers[least];
    at = least;
  }
  sleepers[at] = sleeper;
}

static void add_sleeper(struct sleeper sleeper) {
  if (sleeper_count == sleeper_capacity) {
    sleeper_capacity = sleeper_capacity ? sleeper_capacity * 2 : 64;
    sleepers = checked(realloc(sleepers, sleeper_capacity * sizeof *sleepers));
  }
  size_t at = sleeper_count++;
  while (at > 0 && sleepers[(at - 1) / 4].deadline > sleeper.deadline) {
    sleepers[at] = sleepers[(at - 1) / 4];
    at = (at - 1) / 4;
  }
  sleepers[at] = sleeper;
}

static void remove_first_sleeper(void) {
  struct sleeper last = sleepers[--sleeper_count];
  if (sleeper_count) sift_down(0, last);
}

static bool is_dead(const struct sleeper *sleeper) {
  return connections[sleeper->descriptor].generation != sleeper->generation;
}

/* Sleepers whose client has gone stay in the heap until they are half of it. */
static void sweep_sleepers(void) {
  if (dead_sleepers < 1024 || dead_sleepers * 2 < sleeper_count) return;
  size_t kept = 0;
  for (size_t i = 0; i < sleeper_count; i++)
    if (!is_dead(&sleepers[i])) sleepers[kept++] = sleepers[i];
  sleeper_count = kept;
  dead_sleepers = 0;
  for (size_t i = kept / 4 + 1; i-- > 0 && kept;) sift_down(i, sleepers[i]);
}

static void arm_timer(void) {
  int64_t first = sleeper_count ? sleepers[0].deadline : INT64_MAX;
  if (first >= armed_for || first == INT64_MAX) return;
  armed_for = first;
  struct itimerspec when = {.it_value = {.tv_sec = first / 1000000000, .tv_nsec = first % 1000000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Connections */

static struct unfinished *unfinished_of(struct connection *connection) {
  if (!connection->unfinished) connection->unfinished = checked(calloc(1, sizeof(struct unfinished)));
  return connection->unfinished;
}

static void close_connection(int descriptor) {
  struct connection *connection = &connections[descriptor];
  if (connection->unfinished) {
    free(connection->unfinished->input);
    free(connection->unfinished->output);
    free(connection->unfinished);
    connection->unfinished = NULL;
  }
  connection->generation++;
  dead_sleepers += connection->sleeping;
  connection->sleeping = 0;
  clients--;
  close(descriptor);
  sweep_sleepers();
}

static void append_output(struct unfinished *unfinished, const uint8_t *bytes, size_t size) {
  if (unfinished->output_size + size > unfinished->output_capacity) {
    unfinished->output_capacity = (unfinished->output_size + size) * 2;
    unfinished->output = checked(realloc(unfinished->output, unfinished->output_capacity));
  }
  memcpy(unfinished->output + unfinished->output_size, bytes, size);
  unfinished->output_size += size;
}

/* Has the rest sent as soon as the kernel takes more. Watched from the start, every new connection
 * would wake the server for being writable. */
static void await_writable(int descriptor) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = descriptor};
  epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event);
}

/* How many of the bytes the kernel took; -1 when the connection is lost. */
static ptrdiff_t send_bytes(int descriptor, const uint8_t *bytes, size_t size) {
  ssize_t sent = send(descriptor, bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* Frees what is no longer needed of a connection without unfinished business. */
static void tidy(struct connection *connection) {
  struct unfinished *unfinished = connection->unfinished;
  if (unfinished->output_size) return;
  free(unfinished->output);
  unfinished->output = NULL;
  unfinished->output_capacity = 0;
  if (unfinished->input_size || unfinished->is_due) return;
  free(unfinished->input);
  free(unfinished);
  connection->unfinished = NULL;
}

static void serve(int descriptor);

static void flush_output(int descriptor) {
  struct connection *connection = &connections[descriptor];
  struct unfinished *unfinished = connection->unfinished;
  ptrdiff_t sent = send_bytes(descriptor, unfinished->output, unfinished->output_size);
  if (sent < 0) return close_connection(descriptor);
  unfinished->output_size -= (size_t)sent;
  if (unfinished->output_size) {
    memmove(unfinished->output, unfinished->output + sent, unfinished->output_size);
    return await_writable(descriptor);
  }
  if (unfinished->ends) return close_connection(descriptor);
  bool has_readable = unfinished->has_readable;
  unfinished->has_readable = false;
  tidy(connection);
  if (has_readable) serve(descriptor);
}

/* Closes the connection when its last answers are out. */
static void end_connection(int descriptor) {
  struct unfinished *unfinished = connections[descriptor].unfinished;
  if (unfinished && unfinished->output_size)
    unfinished->ends = true;
  else
    close_connection(descriptor);
}

static void answer_fast(int descriptor, size_t count) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  refresh_fast_answers(&answers, &now, count);
  size_t size = count * fast_answer_size;
  struct connection *connection = &connections[descriptor];
  size_t sent = 0;
  if (!connection->unfinished || !connection->unfinished->output_size) {
    ptrdiff_t result = send_bytes(descriptor, answers.frames, size);
    if (result < 0) return close_connection(descriptor);
    sent = (size_t)result;
  }
  if (sent == size) return;
  append_output(unfinished_of(connection), answers.frames + sent, size - sent);
  await_writable(descriptor);
}

/* Reads once and answers all that has come whole, in one write. */
static void serve(int descriptor) {
  struct connection *connection = &connections[descriptor];
  size_t count = 0;
  if (connection->unfinished) {
    if (connection->unfinished->ends) return;
    if (connection->unfinished->output_size) {
      connection->unfinished->has_readable = true;
      return;
    }
    count = connection->unfinished->input_size;
    if (count) memcpy(input, connection->unfinished->input, count);
  }
  for (;;) {
    size_t room = sizeof input - count;
    ssize_t received = recv(descriptor, input + count, room, 0);
    if (received <= 0) {
      if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
      return received == 0 ? end_connection(descriptor) : close_connection(descriptor);
    }
    count += (size_t)received;

    size_t fast = count_fast_requests(input, count), at = fast * 3;
    bool is_violation = false;
    int64_t now = 0;
    while (at < count) {
      enum request request;
      uint32_t seconds = 0;
      ptrdiff_t size = next_request(input + at, count - at, &request, &seconds);
      if (size <= 0) {
        is_violation = size < 0;
        break;
      }
      at += (size_t)size;
      if (request == request_fast) {
        fast++;
      } else {
        if (!now) now = monotonic();
        connection->sleeping++;
        add_sleeper((struct sleeper){now + (int64_t)seconds * 1000000000, (uint32_t)descriptor,
                                     connection->generation, clients});
      }
    }
    if (now) arm_timer();
    uint32_t generation = connection->generation;
    if (fast) answer_fast(descriptor, fast);
    if (connection->generation != generation) return;
    if (is_violation) return end_connection(descriptor);

    size_t rest = count - at;
    if (rest || (connection->unfinished && connection->unfinished->input_size)) {
      struct unfinished *unfinished = unfinished_of(connection);
      if (rest) {
        unfinished->input = checked(realloc(unfinished->input, rest));
        memcpy(unfinished->input, input + at, rest);
      }
      unfinished->input_size = rest;
      tidy(connection);
    }
    /* A read that filled the buffer left something behind, of which there is no other edge. */
    if ((size_t)received < room) return;
    if (connection->unfinished && connection->unfinished->output_size) {
      connection->unfinished->has_readable = true;
      return;
    }
    memmove(input, input + at, rest);
    count = rest;
  }
}

/* Answers what is due; the answers of one connection leave in one write. */
static void answer_due(void) {
  armed_for = INT64_MAX;
  int64_t now = monotonic();
  while (sleeper_count && sleepers[0].deadline <= now) {
    struct sleeper sleeper = sleepers[0];
    remove_first_sleeper();
    if (is_dead(&sleeper)) {
      dead_sleepers--;
      continue;
    }
    struct connection *connection = &connections[sleeper.descriptor];
    struct unfinished *unfinished = unfinished_of(connection);
    uint8_t answer[slow_answer_maximum];
    append_output(unfinished, answer, encode_slow_answer(answer, sleeper.clients));
    connection->sleeping--;
    if (!unfinished->is_due) {
      unfinished->is_due = true;
      due[due_count++] = (int)sleeper.descriptor;
    }
  }
  for (size_t i = 0; i < due_count; i++) {
    connections[due[i]].unfinished->is_due = false;
    flush_output(due[i]);
  }
  due_count = 0;
  arm_timer();
}

static void accept_all(void) {
  for (;;) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = descriptor};
    epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
    connections[descriptor].generation++;
    clients++;
  }
}

static void on_event(int descriptor, uint32_t events) {
  if (descriptor == listener) return accept_all();
  if (descriptor == timer) return answer_due();
  struct connection *connection = &connections[descriptor];
  if (events & EPOLLOUT && connection->unfinished && connection->unfinished->output_size) {
    uint32_t generation = connection->generation;
    flush_output(descriptor);
    if (connection->generation != generation) return;
  }
  if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) return;
  uint32_t generation = connection->generation;
  serve(descriptor);
  /* The end that came with the data. Requests that sleep go with it. */
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) && connection->generation == generation) serve(descriptor);
}

int main(int argc, char **argv) {
  int port = 0;
  for (int i = 1; i + 1 < argc; i++)
    if (!strcmp(argv[i], "--port")) port = atoi(argv[++i]);

  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t descriptors = limit.rlim_max > 1048576 ? 1048576 : limit.rlim_max;
  connections = checked(calloc(descriptors, sizeof *connections)); /* Untouched pages cost nothing. */
  due = checked(calloc(descriptors, sizeof *due));

  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* Accepted sockets inherit it. */
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address)) stop("bind");
  if (listen(listener, 511)) stop("listen");
  socklen_t size = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &size);

  poller = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.fd = timer};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  fprintf(stderr, "listening address=127.0.0.1 port=%d\n", ntohs(address.sin_port));

  for (;;) {
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, -1);
    if (count < 0 && errno != EINTR) stop("epoll_wait");
    /* A descriptor that was closed in this turn and taken by a new client in the same turn gets a
     * reading that finds nothing, at worst. */
    for (int i = 0; i < count; i++) on_event(events[i].data.fd, events[i].events);
  }
}
