/* The load generator: what its parts share. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
  int port;
  int connections;
  int depth;            /* Requests in flight on one connection. */
  double seconds;       /* Measured time; 0 when `requests` says how much. */
  double warm_up;       /* Seconds before it. */
  int64_t requests;
  int sources;          /* Addresses 127.0.0.2 and up to connect from; 0: as the system likes. */
  pid_t server;         /* Whose time and memory are read; 0: nobody's. */
  int64_t sleepers;     /* Requests that sleep. */
  int sleep;            /* Seconds. */
  int batches;          /* Bursts: in how many parts the requests are sent, one a second. */
  double rate;          /* Spread: requests a second. */
  bool any_time;        /* The server's clock is slowed: its time is not judged. */
  int echo;             /* Bytes of a request to an echo server; 0: the task's server, its fast request. */
  int core;             /* Start: what the server runs on; -1: anywhere. */
  char **command;       /* Start: the server. */
};

extern struct options options;

/* Ends the program: the server or the machine did what it must not. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Time */

static const int64_t second_ns = 1000000000;

/* Nanoseconds of the monotonic clock. */
int64_t now_ns(void);

/* Histograms of nanoseconds: 128 steps to each power of two, so values are within 0.8 %. */

enum { histogram_steps = 128, histogram_size = 58 * histogram_steps };

struct histogram {
  int64_t count, minimum, maximum;
  double sum;
  int64_t counts[histogram_size];
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, int64_t value);
int64_t histogram_quantile(const struct histogram *histogram, double quantile);
/* "name": {"min": …, "p50": …, …}, in microseconds. */
void histogram_print(const char *name, const struct histogram *histogram);

/* What the system knows of a process */

struct usage {
  double wall, total, user, system; /* Seconds. */
  double waited;                    /* Seconds that it was ready and something else ran. */
};

struct usage usage_of(pid_t process);
/* "name": {"cpu_seconds": …, …}: what lies between the two. */
void usage_print(const char *name, struct usage from, struct usage to);
/* Bytes that are resident. */
int64_t resident_of(pid_t process);

/* Connections */

/* Raises the descriptor limit and says how many connections there can be. */
int prepare_descriptors(void);
/* A connection that is made or being made, non-blocking; -1 without one. */
int start_connecting(unsigned number);
/* A connection that is made. */
int connect_one(unsigned number);
/* Connections to the server, accepted by it: a request on a later one has been answered. */
void connect_all(int *descriptors, int count);
/* Asks until the server has seen that there are so many clients and no more. */
void await_clients(int descriptor, int count);
/* One request and its answer, waiting for it. */
void ask_once(int descriptor);
/* Waits until there is something to read; fails after so many seconds. */
void await_readable(int descriptor, int seconds);

enum { patience = 10 };

/* The protocol */

enum { slow_request_maximum = 9, task_answer_size = 24, largest_message = 65536 };

/* A fast request of the task's, or what an echo server is asked. */
extern const uint8_t *fast_request;
extern size_t fast_request_size, fast_answer_size;

/* From now on requests are so many bytes, and are answered with the same. */
void use_echo(int size);
/* Fails unless these bytes are the answer to a fast request, with a time of now. */
void check_fast_answer(const uint8_t *answer);
size_t encode_slow_request(uint8_t *bytes, uint32_t seconds);
/* The length of the answer to a slow request at the start of the bytes, 0 when some are missing. */
size_t decode_slow_answer(const uint8_t *bytes, size_t count, uint32_t *clients);

/* The modes; each prints its members of the JSON object. */

void run_fast(void);
void run_churn(void);
void run_idle(void);
void run_burst(void);
void run_spread(void);
void run_one(void);
void run_start(void);

#endif
