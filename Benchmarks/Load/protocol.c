#include <string.h>
#include <time.h>

#include "load.h"

static const uint8_t tasks_request[] = {0x02, 0x1a, 0x00};
static uint8_t echoed[largest_message];

const uint8_t *fast_request = tasks_request;
size_t fast_request_size = sizeof tasks_request, fast_answer_size = task_answer_size;

void use_echo(int size) {
  if (size > largest_message) fail("--echo: at most %d bytes", largest_message);
  /* No part of it looks like another, so that a lost or doubled byte is seen. */
  for (int i = 0; i < size; i++) echoed[i] = (uint8_t)(i + i / 251);
  fast_request = echoed;
  fast_request_size = fast_answer_size = (size_t)size;
}

static int number(const uint8_t *text, int digits) {
  int value = 0;
  for (int i = 0; i < digits; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + text[i] - '0';
  }
  return value;
}

/* The whole check, for a frame that differs from the last one. */
static void check_time(const uint8_t *answer) {
  static const uint8_t head[5] = {0x17, 0x0a, 0x15, 0x0a, 0x13};
  const uint8_t *text = answer + sizeof head;
  struct tm local = {.tm_isdst = -1};
  if (memcmp(answer, head, sizeof head) != 0 || text[8] != 'T' || text[15] != '.')
    fail("this is no answer to a fast request: %.19s", text);
  local.tm_year = number(text, 4) - 1900;
  local.tm_mon = number(text + 4, 2) - 1;
  local.tm_mday = number(text + 6, 2);
  local.tm_hour = number(text + 9, 2);
  local.tm_min = number(text + 11, 2);
  local.tm_sec = number(text + 13, 2);
  int millisecond = number(text + 16, 3);
  if (local.tm_year < 0 || local.tm_mon < 0 || local.tm_mon > 11 || local.tm_mday < 1 || local.tm_mday > 31 ||
      local.tm_hour < 0 || local.tm_hour > 23 || local.tm_min < 0 || local.tm_min > 59 || local.tm_sec < 0 ||
      local.tm_sec > 60 || millisecond < 0)
    fail("this is no time: %.19s", text);

  /* A day and hour are looked up once a minute: mktime is not cheap. */
  static uint8_t known_minute[13];
  static time_t known_start;
  if (memcmp(known_minute, text, sizeof known_minute) != 0) {
    struct tm start = local;
    start.tm_sec = 0;
    known_start = mktime(&start);
    memcpy(known_minute, text, sizeof known_minute);
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  double off = (double)(now.tv_sec - known_start - local.tm_sec) + (double)now.tv_nsec / 1e9 - millisecond / 1e3;
  if (!options.any_time && (off < -0.01 || off > 1)) fail("the time %.19s is off by %.3f s", text, off);
}

void check_fast_answer(const uint8_t *answer) {
  if (options.echo) {
    if (memcmp(answer, fast_request, fast_request_size) != 0) fail("this is not what was sent");
    return;
  }
  /* Most answers are those of the same millisecond. */
  static uint8_t last[task_answer_size];
  if (memcmp(last, answer, sizeof last) == 0) return;
  check_time(answer);
  memcpy(last, answer, sizeof last);
}

static size_t encode_varint(uint8_t *bytes, uint32_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = (uint8_t)(value | 0x80);
  bytes[size++] = (uint8_t)value;
  return size;
}

size_t encode_slow_request(uint8_t *bytes, uint32_t seconds) {
  size_t size = encode_varint(bytes + 4, seconds);
  bytes[0] = (uint8_t)(3 + size);
  bytes[1] = 0x22;
  bytes[2] = (uint8_t)(1 + size);
  bytes[3] = 0x08;
  return 4 + size;
}

size_t decode_slow_answer(const uint8_t *bytes, size_t count, uint32_t *clients) {
  if (count == 0) return 0;
  size_t size = (size_t)bytes[0] + 1;
  if (size < 5 || size > 9) fail("a length of %d is no answer to a slow request", bytes[0]);
  if (count < size) return 0;
  if (bytes[1] != 0x12 || bytes[2] != size - 3 || bytes[3] != 0x08) fail("this is no answer to a slow request");
  *clients = 0;
  for (size_t i = 4; i < size; i++) {
    *clients |= (uint32_t)(bytes[i] & 0x7f) << (7 * (i - 4));
    if ((bytes[i] >= 0x80) != (i < size - 1)) fail("this is no number of clients");
  }
  return size;
}
