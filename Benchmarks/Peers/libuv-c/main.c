/* The task's server on libuv in C, as who knows libuv writes it: one read buffer for all
 * connections, one uv_try_write for all the answers to one read, and a uv_timer_t a sleeping
 * request. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

#include "../codec-c/codec.h"

struct connection {
  uv_tcp_t handle;
  struct sleeper *sleepers;
  uint8_t *rest; /* The part of a frame that has come. */
  size_t rest_size;
  bool ends;
};

struct sleeper {
  uv_timer_t timer;
  struct connection *connection;
  struct sleeper *next, **link;
  uint32_t clients;
};

struct write {
  uv_write_t request;
  uint8_t bytes[];
};

enum { pause_mark = 65536 };

static uv_tcp_t listener;
static uint32_t clients;
static struct fast_answers answers;
static uint8_t input[maximum_prefix + maximum_frame + 65536];

static void stop(const char *what, int status) {
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(1);
}

static void *checked(void *memory) {
  if (!memory) stop("memory", UV_ENOMEM);
  return memory;
}

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  (void)suggested;
  /* What is left of the last read stands before what comes. */
  size_t rest = ((struct connection *)handle)->rest_size;
  if (rest) memcpy(input, ((struct connection *)handle)->rest, rest);
  *buffer = uv_buf_init((char *)input + rest, (unsigned)(sizeof input - rest));
}

static void did_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void did_close(uv_handle_t *handle) {
  struct connection *connection = (struct connection *)handle;
  free(connection->rest);
  free(connection);
}

static void did_close_timer(uv_handle_t *handle) { free(handle); }

static void remove_sleeper(struct sleeper *sleeper) {
  *sleeper->link = sleeper->next;
  if (sleeper->next) sleeper->next->link = sleeper->link;
  uv_close((uv_handle_t *)&sleeper->timer, did_close_timer);
}

static void close_connection(struct connection *connection) {
  if (uv_is_closing((uv_handle_t *)&connection->handle)) return;
  while (connection->sleepers) remove_sleeper(connection->sleepers);
  clients--;
  uv_close((uv_handle_t *)&connection->handle, did_close);
}

/* Closes the connection when its last answers are out. */
static void end_connection(struct connection *connection) {
  uv_stream_t *stream = (uv_stream_t *)&connection->handle;
  if (uv_stream_get_write_queue_size(stream) == 0) return close_connection(connection);
  connection->ends = true;
  uv_read_stop(stream);
}

static void did_write(uv_write_t *request, int status) {
  uv_stream_t *stream = request->handle;
  struct connection *connection = (struct connection *)stream;
  free(request);
  if (status == UV_ECANCELED) return;
  if (status < 0) return close_connection(connection);
  if (uv_stream_get_write_queue_size(stream) > 0) return;
  if (connection->ends)
    close_connection(connection);
  else
    uv_read_start(stream, lend_buffer, did_read); /* Harmless where it was not stopped. */
}

static void send_bytes(struct connection *connection, const uint8_t *bytes, size_t size) {
  uv_stream_t *stream = (uv_stream_t *)&connection->handle;
  uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)size);
  int sent = uv_try_write(stream, &buffer, 1);
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) return close_connection(connection);
  if ((size_t)sent == size) return;
  struct write *write = checked(malloc(sizeof *write + size - (size_t)sent));
  memcpy(write->bytes, bytes + sent, size - (size_t)sent);
  buffer = uv_buf_init((char *)write->bytes, (unsigned)(size - (size_t)sent));
  int status = uv_write(&write->request, stream, &buffer, 1, did_write);
  if (status < 0) {
    free(write);
    return close_connection(connection);
  }
  if (uv_stream_get_write_queue_size(stream) > pause_mark) uv_read_stop(stream);
}

static void did_sleep(uv_timer_t *timer) {
  struct sleeper *sleeper = (struct sleeper *)timer;
  struct connection *connection = sleeper->connection;
  uint8_t answer[slow_answer_maximum];
  size_t size = encode_slow_answer(answer, sleeper->clients);
  remove_sleeper(sleeper);
  send_bytes(connection, answer, size);
}

static void let_sleep(struct connection *connection, uint32_t seconds) {
  struct sleeper *sleeper = checked(malloc(sizeof *sleeper));
  uv_loop_t *loop = connection->handle.loop;
  sleeper->connection = connection;
  sleeper->clients = clients;
  sleeper->next = connection->sleepers;
  sleeper->link = &connection->sleepers;
  if (sleeper->next) sleeper->next->link = &sleeper->next;
  connection->sleepers = sleeper;
  uv_timer_init(loop, &sleeper->timer);
  /* The loop's time is in whole milliseconds, rounded down: one more keeps it from being early. */
  uv_timer_start(&sleeper->timer, did_sleep, (uint64_t)seconds * 1000 + 1, 0);
}

static void did_read(uv_stream_t *stream, ssize_t received, const uv_buf_t *buffer) {
  (void)buffer;
  struct connection *connection = (struct connection *)stream;
  if (received == 0) return;
  if (received < 0) return received == UV_EOF ? end_connection(connection) : close_connection(connection);
  size_t count = connection->rest_size + (size_t)received;
  size_t fast = count_fast_requests(input, count), at = fast * 3;
  bool is_violation = false, has_slow = false;
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
      /* The loop's time is that of its wake-up, which may be before the request was sent. */
      if (!has_slow) uv_update_time(stream->loop);
      has_slow = true;
      let_sleep(connection, seconds);
    }
  }
  if (at < count) {
    size_t rest = count - at;
    connection->rest = checked(realloc(connection->rest, rest));
    memcpy(connection->rest, input + at, rest);
    connection->rest_size = rest;
  } else if (connection->rest_size) {
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_size = 0;
  }
  if (fast) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    refresh_fast_answers(&answers, &now, fast);
    send_bytes(connection, answers.frames, fast * fast_answer_size);
  }
  if (is_violation && !uv_is_closing((uv_handle_t *)stream)) end_connection(connection);
}

static void did_connect(uv_stream_t *server, int status) {
  if (status < 0) return;
  struct connection *connection = checked(calloc(1, sizeof *connection));
  uv_tcp_init(server->loop, &connection->handle);
  clients++;
  if (uv_accept(server, (uv_stream_t *)&connection->handle) < 0 ||
      uv_read_start((uv_stream_t *)&connection->handle, lend_buffer, did_read) < 0)
    close_connection(connection);
}

int main(int argc, char **argv) {
  int port = 0;
  for (int i = 1; i + 1 < argc; i++)
    if (!strcmp(argv[i], "--port")) port = atoi(argv[++i]);

  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGPIPE, SIG_IGN);

  uv_loop_t *loop = uv_default_loop();
  struct sockaddr_in address;
  uv_ip4_addr("127.0.0.1", port, &address);
  uv_tcp_init_ex(loop, &listener, AF_INET);
  int status = uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
  if (status == 0) status = uv_listen((uv_stream_t *)&listener, 511, did_connect);
  if (status < 0) stop("listen", status);
  uv_os_fd_t descriptor;
  uv_fileno((uv_handle_t *)&listener, &descriptor);
  int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* Accepted sockets inherit it. */
  int size = sizeof address;
  uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size);
  fprintf(stderr, "listening address=127.0.0.1 port=%d\n", ntohs(address.sin_port));
  return uv_run(loop, UV_RUN_DEFAULT);
}
