/* Fast requests over connections that stay, a number of them in flight on each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

struct connection {
  int descriptor;
  int first, in_flight; /* In `sent`, a ring. */
  size_t unsent;        /* Bytes of requests that the kernel did not take. */
  size_t partial_size;
  uint8_t *partial;     /* The beginning of an answer. */
  int64_t *sent; /* When each request in flight was sent. */
};

static struct histogram latency;
static uint8_t *requests; /* As many as can be in flight. */
static int64_t to_send;   /* Requests that may still be sent. */

static void flush(struct connection *connection) {
  /* What is unsent may begin inside a request. */
  while (connection->unsent) {
    size_t skip = (fast_request_size - connection->unsent % fast_request_size) % fast_request_size;
    ssize_t count = send(connection->descriptor, requests + skip, connection->unsent, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("send: %s", strerror(errno));
    connection->unsent -= (size_t)count;
  }
}

static void send_requests(struct connection *connection, int count, int64_t now) {
  if (count > to_send) count = (int)to_send;
  if (count == 0) return;
  to_send -= count;
  for (int i = 0; i < count; i++) {
    int place = connection->first + connection->in_flight++;
    if (place >= options.depth) place -= options.depth;
    connection->sent[place] = now;
  }
  bool was_stuck = connection->unsent > 0;
  connection->unsent += (size_t)count * fast_request_size;
  if (!was_stuck) flush(connection);
}

static int64_t take_answers(struct connection *connection) {
  static uint8_t bytes[largest_message + 262144];
  size_t have = connection->partial_size;
  if (have) memcpy(bytes, connection->partial, have);
  ssize_t received = recv(connection->descriptor, bytes + have, sizeof bytes - largest_message, 0);
  if (received < 0 && errno == EAGAIN) return 0;
  if (received <= 0) fail("the server closed a connection");
  int64_t now = now_ns();
  size_t size = have + (size_t)received;
  int count = (int)(size / fast_answer_size);
  if (count > connection->in_flight) fail("an answer that nobody asked for");
  for (int i = 0; i < count; i++) {
    check_fast_answer(bytes + (size_t)i * fast_answer_size);
    histogram_add(&latency, now - connection->sent[connection->first]);
    if (++connection->first == options.depth) connection->first = 0;
  }
  connection->in_flight -= count;
  connection->partial_size = size % fast_answer_size;
  if (connection->partial_size)
    memcpy(connection->partial, bytes + (size_t)count * fast_answer_size, connection->partial_size);
  send_requests(connection, count, now);
  return count;
}

void run_fast(void) {
  struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
  int *descriptors = calloc((size_t)options.connections, sizeof *descriptors);
  int64_t *sent = calloc((size_t)options.connections * (size_t)options.depth, sizeof *sent);
  uint8_t *partials = calloc((size_t)options.connections, fast_answer_size);
  requests = malloc((size_t)(options.depth + 1) * fast_request_size);
  if (!connections || !descriptors || !sent || !partials || !requests) fail("no memory");
  for (int i = 0; i <= options.depth; i++)
    memcpy(requests + (size_t)i * fast_request_size, fast_request, fast_request_size);

  connect_all(descriptors, options.connections);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < options.connections; i++) {
    connections[i].descriptor = descriptors[i];
    connections[i].partial = partials + (size_t)i * fast_answer_size;
    connections[i].sent = sent + (size_t)i * (size_t)options.depth;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &connections[i]};
    epoll_ctl(poller, EPOLL_CTL_ADD, descriptors[i], &event);
  }

  /* By time: a warm-up, the measured part, and then what is still in flight. By number: all of it
   * is measured. */
  bool by_time = options.requests == 0;
  to_send = by_time ? INT64_MAX : options.requests;
  histogram_clear(&latency);
  int64_t start = now_ns(), answered = 0, measured = 0, in_flight = 0;
  int64_t measure_at = start + (int64_t)(options.warm_up * 1e9);
  int64_t end_at = measure_at + (int64_t)(options.seconds * 1e9);
  bool is_measuring = !by_time, is_ending = false;
  struct usage server_from = usage_of(options.server), own_from = usage_of(getpid()), server_to, own_to;
  for (int i = 0; i < options.connections; i++) send_requests(&connections[i], options.depth, now_ns());
  for (int i = 0; i < options.connections; i++) in_flight += connections[i].in_flight;

  while (in_flight > 0) {
    struct epoll_event events[1024];
    int count = epoll_wait(poller, events, 1024, patience * 1000);
    if (count == 0) fail("the server did nothing for %d s", patience);
    for (int i = 0; i < count; i++) {
      struct connection *connection = events[i].data.ptr;
      if (connection->unsent) flush(connection);
      int before = connection->in_flight;
      if (events[i].events & ~(uint32_t)EPOLLOUT) answered += take_answers(connection);
      in_flight += connection->in_flight - before;
    }
    if (!by_time || is_ending) continue;
    int64_t now = now_ns();
    if (!is_measuring && now >= measure_at) {
      is_measuring = true;
      server_from = usage_of(options.server);
      own_from = usage_of(getpid());
      answered = 0;
      histogram_clear(&latency);
      end_at = now_ns() + (int64_t)(options.seconds * 1e9);
    } else if (is_measuring && now >= end_at) {
      is_ending = true;
      to_send = 0;
      measured = answered;
      server_to = usage_of(options.server);
      own_to = usage_of(getpid());
    }
  }
  if (!by_time) {
    measured = answered;
    server_to = usage_of(options.server);
    own_to = usage_of(getpid());
    if (measured != options.requests) fail("%lld answers", (long long)measured);
  }

  printf("\"answers\": %lld, \"requests_per_second\": %.1f, ", (long long)measured,
         (double)measured / (own_to.wall - own_from.wall));
  usage_print("server", server_from, server_to);
  printf(", ");
  usage_print("load", own_from, own_to);
  printf(", ");
  histogram_print("latency_us", &latency);
}
