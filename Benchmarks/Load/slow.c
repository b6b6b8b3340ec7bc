/* Requests that sleep: what they cost in memory, and how late they are answered.
 *
 * An answer does not say to which request it belongs. The first answer on a connection is taken to
 * be for the request on it that was due first, the second for the second, and so on: so when an
 * answer is early, one of them shows as early here. A request is due its sleep after it was handed
 * to the kernel, which is never later than the server can have had it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "load.h"

struct connection {
  int descriptor;
  int asked, answered;
  int64_t *due;
  size_t partial_size;
  uint8_t partial[16];
};

static struct connection *connections;
static struct histogram *lateness;
static int64_t answered, last_answer;
static int poller;

static void open_all(int capacity) {
  int count = options.connections;
  connections = calloc((size_t)count, sizeof *connections);
  int *descriptors = calloc((size_t)count, sizeof *descriptors);
  int64_t *due = calloc((size_t)count * (size_t)capacity, sizeof *due);
  lateness = malloc(sizeof *lateness);
  if (!connections || !descriptors || !due || !lateness) fail("no memory");
  memset(due, 0xff, (size_t)count * (size_t)capacity * sizeof *due); /* Pages that are there already. */
  histogram_clear(lateness);
  connect_all(descriptors, count);
  poller = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; i++) {
    ask_once(descriptors[i]);
    connections[i].descriptor = descriptors[i];
    connections[i].due = due + (size_t)i * (size_t)capacity;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &connections[i]};
    epoll_ctl(poller, EPOLL_CTL_ADD, descriptors[i], &event);
  }
  await_clients(descriptors[0], count);
}

static void ask(struct connection *connection, int seconds, int count) {
  uint8_t bytes[64 * slow_request_maximum];
  while (count > 0) {
    int now = count < 64 ? count : 64;
    size_t size = 0;
    for (int i = 0; i < now; i++) size += encode_slow_request(bytes + size, (uint32_t)seconds);
    int64_t due = now_ns() + seconds * second_ns;
    for (int i = 0; i < now; i++) {
      /* In order of what is due; mostly at the end. */
      int place = connection->asked++;
      for (; place > 0 && connection->due[place - 1] > due; place--) connection->due[place] = connection->due[place - 1];
      connection->due[place] = due;
    }
    if (send(connection->descriptor, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send: %s", strerror(errno));
    count -= now;
  }
}

static void take_answers(struct connection *connection) {
  static uint8_t bytes[65536];
  size_t size = connection->partial_size, at = 0;
  memcpy(bytes, connection->partial, size);
  ssize_t received = recv(connection->descriptor, bytes + size, sizeof bytes - size, 0);
  if (received < 0 && errno == EAGAIN) return;
  if (received <= 0) fail("the server closed a connection");
  last_answer = now_ns();
  size += (size_t)received;
  uint32_t clients;
  for (size_t length; (length = decode_slow_answer(bytes + at, size - at, &clients)) > 0; at += length) {
    if (clients != (uint32_t)options.connections)
      fail("the server counts %u clients, and there are %d", clients, options.connections);
    if (connection->answered == connection->asked) fail("an answer that nobody asked for");
    histogram_add(lateness, last_answer - connection->due[connection->answered++]);
    answered++;
  }
  connection->partial_size = size - at;
  memcpy(connection->partial, bytes + at, connection->partial_size);
}

/* Takes what comes until then. */
static void serve_until(int64_t time) {
  struct epoll_event events[1024];
  for (;;) {
    int64_t left = time - now_ns();
    if (left < 0) left = 0;
    struct timespec timeout = {.tv_sec = left / second_ns, .tv_nsec = left % second_ns};
    int count = epoll_pwait2(poller, events, 1024, &timeout, NULL);
    for (int i = 0; i < count; i++) take_answers(events[i].data.ptr);
    if (left == 0) return;
  }
}

static void serve_to_the_end(int64_t count, int64_t last_due) {
  while (answered < count) {
    serve_until(now_ns() + second_ns / 50);
    if (now_ns() > last_due + patience * second_ns) fail("%lld answers have not come", (long long)(count - answered));
  }
}

static void print(int64_t count, int64_t resident_before, int64_t resident_asleep) {
  printf("\"sleepers\": %lld, \"bytes_per_sleeper\": %.1f, \"is_early\": %s, ", (long long)count,
         (double)(resident_asleep - resident_before) / (double)count, lateness->minimum < 0 ? "true" : "false");
  histogram_print("lateness_us", lateness);
}

/* All due at one moment: the requests are sent in parts, a second apart, each sleeping a second less
 * than the one before. */
void run_burst(void) {
  int each = (int)(options.sleepers / options.connections / options.batches);
  int64_t count = (int64_t)each * options.connections * options.batches;
  open_all(each * options.batches);
  int64_t before = resident_of(options.server), start = now_ns();
  int64_t due = start + (options.batches + 1) * second_ns, sent = start;
  for (int batch = 0; batch < options.batches; batch++) {
    serve_until(start + batch * second_ns);
    for (int i = 0; i < options.connections; i++) ask(&connections[i], options.batches + 1 - batch, each);
    int64_t took = now_ns() - start - batch * second_ns;
    if (start + took > sent) sent = start + took;
  }
  serve_until(due - second_ns);
  int64_t asleep = resident_of(options.server);
  serve_to_the_end(count, due);
  print(count, before, asleep);
  /* From the moment the first is due to the last answer, and how long sending a part took. */
  printf(", \"answered_within_ms\": %.3f, \"sending_took_ms\": %.3f", (double)(last_answer - due) / 1e6,
         (double)(sent - start) / 1e6);
}

/* Due one after the other at a steady rate, as they were sent. */
void run_spread(void) {
  int each = (int)(options.sleepers / options.connections);
  int64_t count = (int64_t)each * options.connections;
  open_all(each);
  int64_t before = resident_of(options.server), start = now_ns();
  for (int64_t next = 0; next < count;) {
    int64_t until = (int64_t)((double)(now_ns() - start) / 1e9 * options.rate);
    for (; next < until && next < count; next++) ask(&connections[next % options.connections], options.sleep, 1);
    serve_until(now_ns() + second_ns / 20000);
  }
  int64_t end = now_ns();
  if (end - start >= options.sleep * second_ns) fail("the first answers came before the last request was sent");
  int64_t asleep = resident_of(options.server);
  serve_to_the_end(count, end + options.sleep * second_ns);
  print(count, before, asleep);
}

/* One request on a server that does nothing else. */
void run_one(void) {
  options.connections = 1;
  open_all(1);
  int64_t before = resident_of(options.server);
  ask(&connections[0], options.sleep, 1);
  while (answered == 0) {
    await_readable(connections[0].descriptor, options.sleep + patience);
    take_answers(&connections[0]);
  }
  print(1, before, before);
}
