/* Connect, one request, its answer, close: a number of clients doing nothing else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

struct client {
  int descriptor;
  bool is_sent;
  size_t size;
  int64_t start;
  uint8_t answer[task_answer_size + 1];
};

static int poller;
static unsigned connects;

static void try_to_send(struct client *client) {
  ssize_t count = send(client->descriptor, fast_request, fast_request_size, MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == ENOTCONN)) return; /* Not connected yet. */
  if (count != (ssize_t)fast_request_size) fail("send: %s", strerror(errno));
  client->is_sent = true;
}

static void start_client(struct client *client) {
  client->start = now_ns();
  client->is_sent = false;
  client->size = 0;
  client->descriptor = start_connecting(connects++);
  if (client->descriptor < 0) fail("connect: %s", strerror(errno));
  try_to_send(client); /* On loopback the connection is mostly there at once. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLET | (client->is_sent ? 0 : EPOLLOUT), .data.ptr = client};
  epoll_ctl(poller, EPOLL_CTL_ADD, client->descriptor, &event);
}

/* True when the answer is complete, and the connection closed. */
static bool serve_client(struct client *client) {
  if (!client->is_sent) {
    try_to_send(client);
    return false;
  }
  ssize_t count = recv(client->descriptor, client->answer + client->size, sizeof client->answer - client->size, 0);
  if (count < 0 && errno == EAGAIN) return false;
  if (count <= 0) fail("the server closed a connection");
  client->size += (size_t)count;
  if (client->size > fast_answer_size) fail("an answer that nobody asked for");
  if (client->size < fast_answer_size) return false;
  check_fast_answer(client->answer);
  close(client->descriptor);
  return true;
}

void run_churn(void) {
  if (options.echo) fail("churn is for the task's server");
  struct client *clients = calloc((size_t)options.connections, sizeof *clients);
  struct histogram *latency = malloc(sizeof *latency);
  if (!clients || !latency) fail("no memory");
  poller = epoll_create1(EPOLL_CLOEXEC);

  bool by_time = options.requests == 0, is_measuring = !by_time, is_ending = false;
  int64_t to_start = by_time ? INT64_MAX : options.requests;
  int64_t answered = 0, measured = 0;
  int open = 0;
  histogram_clear(latency);
  int64_t measure_at = now_ns() + (int64_t)(options.warm_up * 1e9), end_at = 0;
  struct usage server_from = usage_of(options.server), own_from = usage_of(getpid()), server_to, own_to;
  for (; open < options.connections && to_start > 0; to_start--) start_client(&clients[open++]);

  while (open > 0) {
    struct epoll_event events[1024];
    int count = epoll_wait(poller, events, 1024, patience * 1000);
    if (count == 0) fail("the server did nothing for %d s", patience);
    for (int i = 0; i < count; i++) {
      struct client *client = events[i].data.ptr;
      if (!serve_client(client)) continue;
      histogram_add(latency, now_ns() - client->start);
      answered++;
      if (to_start > 0) {
        to_start--;
        start_client(client);
      } else {
        open--;
      }
    }
    if (!by_time || is_ending) continue;
    int64_t now = now_ns();
    if (!is_measuring && now >= measure_at) {
      is_measuring = true;
      server_from = usage_of(options.server);
      own_from = usage_of(getpid());
      answered = 0;
      histogram_clear(latency);
      end_at = now_ns() + (int64_t)(options.seconds * 1e9);
    } else if (is_measuring && now >= end_at) {
      is_ending = true;
      to_start = 0;
      measured = answered;
      server_to = usage_of(options.server);
      own_to = usage_of(getpid());
    }
  }
  if (!by_time) {
    measured = answered;
    server_to = usage_of(options.server);
    own_to = usage_of(getpid());
  }

  printf("\"answers\": %lld, \"requests_per_second\": %.1f, ", (long long)measured,
         (double)measured / (own_to.wall - own_from.wall));
  usage_print("server", server_from, server_to);
  printf(", ");
  usage_print("load", own_from, own_to);
  printf(", ");
  histogram_print("latency_us", latency);
}
