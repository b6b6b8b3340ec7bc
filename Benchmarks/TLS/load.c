/* The load generator of Benchmarks/tls: TLS clients on OpenSSL, in C with epoll.

       tls-load MODE PORT SERVER-PID CONNECTIONS SECONDS

   full      handshakes from nothing: connect, handshake, one byte there and back, close_notify
   resumed   the same with the session that came with the handshake before
   echo      CONNECTIONS connections of which each has 16 bytes sent back, one request in flight
   receive   bytes that the server sends for ever, by CONNECTIONS connections
   send      bytes that the server drops

   and what CONNECTIONS connections cost in memory that
   silent    have sent nothing
   stalled   have sent the first message of the handshake, and leave the server's unanswered
   idle      do nothing after the handshake and one request of 16 bytes
   unread    read nothing of what the server sends for ever

   It prints a JSON object: how many, in how much time, and what CPU time (or memory) that cost the
   server. All that is agreed on is fixed here, so that all servers do the same: TLS 1.3 (TLS 1.2 with
   TLS_LOAD_VERSION=1.2), AES-128-GCM, X25519. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { request_size = 16, block_size = 65536, event_count = 256 };

static int port, count, epoll;
static pid_t server;
static SSL_CTX *context;
static SSL_SESSION *session;
static bool wants_session;
static char block[block_size];

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("error: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Seconds of CPU time that the server has had, exactly. */
static double cpu(void) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(server, &clock) != 0 || clock_gettime(clock, &time) != 0)
    fail("cannot read the time of process %d", server);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bytes of the server that are resident. */
static long resident(void) {
  char path[64], line[256];
  long kilobytes = -1;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", server);
  FILE *file = fopen(path, "r");
  if (!file) fail("cannot read %s", path);
  while (kilobytes < 0 && fgets(line, sizeof line, file)) sscanf(line, "Rss: %ld kB", &kilobytes);
  fclose(file);
  return kilobytes * 1024;
}

struct client {
  SSL *ssl;
  int descriptor;
  bool established;
};

/* Connects from one of some addresses, so that no port is waited for. */
static int connect_socket(int number) {
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (descriptor < 0) fail("socket: %s", strerror(errno));
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + (unsigned)number % 64)};
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(descriptor, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof on);
  if (bind(descriptor, (struct sockaddr *)&from, sizeof from) != 0) fail("bind: %s", strerror(errno));
  if (connect(descriptor, (struct sockaddr *)&to, sizeof to) != 0) fail("connect: %s", strerror(errno));
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  return descriptor;
}

static void start(struct client *client, int number) {
  *client = (struct client){.descriptor = connect_socket(number), .ssl = SSL_new(context)};
  SSL_set_fd(client->ssl, client->descriptor);
  SSL_set_connect_state(client->ssl);
  if (wants_session && session) SSL_set_session(client->ssl, session);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->descriptor, &event) != 0) fail("epoll: %s", strerror(errno));
}

static void finish(struct client *client) {
  SSL_shutdown(client->ssl);
  SSL_free(client->ssl);
  close(client->descriptor);
}

static bool would_wait(SSL *ssl, int status) {
  int error = SSL_get_error(ssl, status);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
  fail("the server broke off: error %d", error);
}

static void send_all(struct client *client, const char *bytes, int size) {
  if (SSL_write(client->ssl, bytes, size) != size) fail("a request does not go out whole");
}

/* Goes on with the handshake, and sends the first bytes after it; whether it has been over before. */
static bool handshake(struct client *client, const char *bytes, int size) {
  if (client->established) return true;
  int status = SSL_do_handshake(client->ssl);
  if (status != 1) {
    would_wait(client->ssl, status);
    return false;
  }
  client->established = true;
  send_all(client, bytes, size);
  return false;
}

/* Reads what is there, up to `most` bytes. */
static int receive(struct client *client, char *bytes, int most) {
  int status = SSL_read(client->ssl, bytes, most);
  if (status > 0) return status;
  would_wait(client->ssl, status);
  return 0;
}

static int keep_session(SSL *ssl, SSL_SESSION *offered) {
  (void)ssl;
  if (!wants_session) return 0;
  if (session) SSL_SESSION_free(session);
  session = offered;
  return 1;
}

/* Handshakes one after another on each of `count` places, until the time is over. */
static long handshakes(double until) {
  static int number;
  struct epoll_event events[event_count];
  long done = 0;
  while (now() < until) {
    int ready = epoll_wait(epoll, events, event_count, 1000);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (!handshake(client, "ex", 2)) continue;
      char answer;
      if (!receive(client, &answer, 1)) continue;
      if (answer != 'x') fail("a wrong answer");
      if (wants_session != (SSL_session_reused(client->ssl) == 1) && done > 100) fail("resumed: %d", !wants_session);
      finish(client);
      start(client, number++);
      handshake(client, "ex", 2); /* The first message goes out; the rest may come within this call, too. */
      done++;
    }
  }
  return done;
}

/* Makes all connections, and has each do what `kind` says. */
static void establish(struct client *clients, char kind) {
  struct epoll_event events[event_count];
  int established = 0, started = 0;
  while (established < count) {
    /* Not all at once: the queue of connections that wait to be accepted has an end. */
    for (; started < count && started < established + 64; started++) {
      start(&clients[started], started);
      handshake(&clients[started], &kind, 1);
      established += clients[started].established;
    }
    if (established == count) break;
    int ready = epoll_wait(epoll, events, event_count, 10000);
    if (ready == 0) fail("a handshake takes longer than 10 seconds");
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if (client->established || handshake(client, &kind, 1)) continue;
      established += client->established;
    }
  }
}

/* Requests that were answered until the time is over. */
static long echoes(double until) {
  struct epoll_event events[event_count];
  char bytes[request_size];
  long done = 0;
  while (now() < until) {
    int ready = epoll_wait(epoll, events, event_count, 1000);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      int got = receive(client, bytes, (int)sizeof bytes);
      if (got == 0) continue; /* A ticket. */
      if (got != request_size || memcmp(bytes, block, request_size) != 0) fail("a wrong answer");
      done++;
      send_all(client, block, request_size);
    }
  }
  return done;
}

static long received(double until) {
  struct epoll_event events[event_count];
  static char bytes[block_size];
  long total = 0;
  while (now() < until) {
    int ready = epoll_wait(epoll, events, event_count, 1000);
    for (int i = 0; i < ready; i++)
      for (int got, most = 16; most-- > 0 && (got = receive(events[i].data.ptr, bytes, (int)sizeof bytes)) > 0;)
        total += got;
  }
  return total;
}

static long sent(struct client *clients, double until) {
  struct epoll_event events[event_count];
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &clients[i]};
    epoll_ctl(epoll, EPOLL_CTL_MOD, clients[i].descriptor, &event);
  }
  long total = 0;
  while (now() < until) {
    int ready = epoll_wait(epoll, events, event_count, 1000);
    for (int i = 0; i < ready; i++) {
      SSL *ssl = ((struct client *)events[i].data.ptr)->ssl;
      int status = SSL_write(ssl, block, (int)sizeof block);
      if (status > 0) total += status;
      else would_wait(ssl, status);
    }
  }
  return total;
}

static void set_up(void) {
  const char *version = getenv("TLS_LOAD_VERSION");
  int number = version && strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, number);
  SSL_CTX_set_max_proto_version(context, number);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
  /* TLS 1.2 wants the certificate's group in the list, too. */
  SSL_CTX_set1_groups_list(context, number == TLS1_2_VERSION ? "X25519:P-256" : "X25519");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  memset(block, 'x', sizeof block);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epoll = epoll_create1(0);
}

static long run(const char *mode, struct client *clients, double until) {
  if (strcmp(mode, "full") == 0 || strcmp(mode, "resumed") == 0) return handshakes(until);
  if (strcmp(mode, "echo") == 0) return echoes(until);
  return strcmp(mode, "receive") == 0 ? received(until) : sent(clients, until);
}

/* What each of `count` connections costs the server in memory, one way of being idle after another. */
static void measure_memory(const char *mode, struct client *clients) {
  struct client first;
  int all = count;
  count = 1;
  establish(&first, 'e'); /* What is made at the first client counts as the server's own. */
  usleep(200000);
  long before = resident();
  count = all;
  if (strcmp(mode, "idle") == 0) {
    establish(clients, 'e');
    for (int i = 0; i < count; i++) send_all(&clients[i], block, request_size);
  } else if (strcmp(mode, "unread") == 0) {
    establish(clients, 's');
  } else {
    /* Not all at once: the queue of connections that wait to be accepted has an end. */
    for (int i = 0; i < count; i++) {
      start(&clients[i], i);
      if (strcmp(mode, "stalled") == 0) SSL_do_handshake(clients[i].ssl);
      if (i % 64 == 63) usleep(50000);
    }
  }
  usleep(1500000);
  printf("{\"bytes\": %.0f}\n", (double)(resident() - before) / count);
}

int main(int argument_count, char **arguments) {
  if (argument_count != 6) {
    fputs("usage: tls-load MODE PORT SERVER-PID CONNECTIONS SECONDS\n", stderr);
    return 64;
  }
  const char *mode = arguments[1];
  port = atoi(arguments[2]);
  server = atoi(arguments[3]);
  count = atoi(arguments[4]);
  double seconds = atof(arguments[5]);
  set_up();
  struct client *clients = calloc((size_t)count, sizeof *clients);
  if (!clients) fail("no memory");

  if (strstr("silent stalled idle unread", mode)) {
    measure_memory(mode, clients);
    return 0;
  }
  if (strcmp(mode, "full") == 0 || strcmp(mode, "resumed") == 0) {
    wants_session = strcmp(mode, "resumed") == 0;
    for (int i = 0; i < count; i++) {
      start(&clients[i], i);
      handshake(&clients[i], "ex", 2);
    }
  } else if (strcmp(mode, "echo") == 0) {
    establish(clients, 'e');
    for (int i = 0; i < count; i++) send_all(&clients[i], block, request_size);
  } else if (strcmp(mode, "receive") == 0) {
    establish(clients, 's');
  } else if (strcmp(mode, "send") == 0) {
    establish(clients, 'd');
  } else {
    fail("there is no mode %s", mode);
  }
  run(mode, clients, now() + seconds / 5);
  double begin = now(), before = cpu();
  long done = run(mode, clients, begin + seconds);
  double end = now(), after = cpu();
  if (done == 0) fail("nothing was done");
  printf("{\"done\": %ld, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", done, end - begin, after - before);
}
