/* The task's protocol by hand, for the two C servers: frames in, the current time out.
 *
 * A request for the time is recognised by its three bytes; everything else goes the long way, which
 * follows protobuf: unknown fields are skipped, the last of several equal fields wins, and a wrapper
 * must have exactly one of the fields that it knows. */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum { maximum_frame = 65536, maximum_prefix = 5, fast_answer_size = 24, slow_answer_maximum = 9 };

/* A varint: its length, 0 when bytes are missing, -1 when it has more than `longest` bytes. */
static inline int read_varint(const uint8_t *bytes, size_t count, int longest, uint64_t *value) {
  uint64_t result = 0;
  for (int i = 0; i < longest; i++) {
    if ((size_t)i == count) return 0;
    result |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
    if (bytes[i] < 0x80) {
      *value = result;
      return i + 1;
    }
  }
  return -1;
}

/* Walks over one field; false where protobuf would reject the message. A length-delimited field's
 * content is in `content`, a varint is in `number`. */
struct field {
  uint32_t tag;
  uint64_t number;
  const uint8_t *content;
  size_t size;
};

static inline bool read_field(const uint8_t **at, const uint8_t *end, struct field *field, int depth) {
  uint64_t tag, number = 0;
  int length = read_varint(*at, (size_t)(end - *at), 10, &tag);
  if (length <= 0 || tag > UINT32_MAX || tag >> 3 == 0) return false;
  *at += length;
  field->tag = (uint32_t)tag;
  field->number = 0;
  field->content = *at;
  field->size = 0;
  size_t left = (size_t)(end - *at);
  switch (tag & 7) {
  case 0:
    length = read_varint(*at, left, 10, &field->number);
    if (length <= 0) return false;
    *at += length;
    return true;
  case 1:
    if (left < 8) return false;
    *at += 8;
    return true;
  case 2:
    length = read_varint(*at, left, 10, &number);
    if (length <= 0 || number > left - (size_t)length) return false;
    field->content = *at + length;
    field->size = (size_t)number;
    *at += length + number;
    return true;
  case 3:
    if (depth == 100) return false;
    for (;;) {
      struct field inner;
      if (!read_field(at, end, &inner, depth + 1)) return false;
      if ((inner.tag & 7) == 4) return inner.tag >> 3 == tag >> 3;
    }
  case 4:
    return depth > 0; /* The end of a group, for whoever reads the group. */
  case 5:
    if (left < 4) return false;
    *at += 4;
    return true;
  default:
    return false;
  }
}

enum request { request_fast, request_slow, request_violation };

static inline enum request decode_request(const uint8_t *bytes, size_t size, uint32_t *seconds) {
  if (size == 2 && bytes[0] == 0x1a && bytes[1] == 0) return request_fast;
  const uint8_t *end = bytes + size;
  struct field field;
  bool fast = false, slow = false, has_seconds = false, other = false;
  while (bytes < end) {
    if (!read_field(&bytes, end, &field, 0)) return request_violation;
    const uint8_t *inner = field.content, *inner_end = inner + field.size;
    struct field within;
    switch (field.tag) {
    case 1 << 3 | 2: /* Answers; whether they are well-formed makes no difference to a server. */
    case 2 << 3 | 2:
      other = true;
      break;
    case 3 << 3 | 2:
      fast = true;
      while (inner < inner_end)
        if (!read_field(&inner, inner_end, &within, 0)) return request_violation;
      break;
    case 4 << 3 | 2:
      slow = true;
      while (inner < inner_end) {
        if (!read_field(&inner, inner_end, &within, 0)) return request_violation;
        if (within.tag == (1 << 3 | 0)) {
          has_seconds = true;
          *seconds = (uint32_t)within.number;
        }
      }
      break;
    }
  }
  if (other || fast + slow != 1) return request_violation;
  if (fast) return request_fast;
  return has_seconds ? request_slow : request_violation;
}

/* One frame from the start of a stream: how many bytes it takes with its prefix, 0 when it is not
 * all there, -1 when it is a violation. */
static inline ptrdiff_t next_request(const uint8_t *bytes, size_t count, enum request *request, uint32_t *seconds) {
  uint64_t size;
  int prefix = read_varint(bytes, count, maximum_prefix, &size);
  if (prefix <= 0) return prefix;
  if (size > maximum_frame) return -1; /* A fifth byte above 0x0f is far over it, too. */
  if (count - (size_t)prefix < size) return 0;
  *request = decode_request(bytes + prefix, (size_t)size, seconds);
  return *request == request_violation ? -1 : prefix + (ptrdiff_t)size;
}

/* How many requests for the time a stream begins with. */
static inline size_t count_fast_requests(const uint8_t *bytes, size_t count) {
  size_t requests = 0;
  while (count >= 3 && bytes[0] == 0x02 && bytes[1] == 0x1a && bytes[2] == 0x00) {
    requests++;
    bytes += 3;
    count -= 3;
  }
  return requests;
}

static inline size_t encode_slow_answer(uint8_t *bytes, uint32_t clients) {
  size_t size = 4;
  for (; clients >= 0x80; clients >>= 7) bytes[size++] = (uint8_t)(clients | 0x80);
  bytes[size++] = (uint8_t)clients;
  bytes[0] = (uint8_t)(size - 1);
  bytes[1] = 0x12;
  bytes[2] = (uint8_t)(size - 3);
  bytes[3] = 0x08;
  return size;
}

/* The answer to requests for the time, the same frame again and again, as often as one read can ask
 * for it. It is made anew once a millisecond at most. */
struct fast_answers {
  int64_t second;
  int64_t millisecond;
  size_t ready;
  uint8_t frames[((maximum_frame + maximum_prefix) * 2 / 3 + 1) * fast_answer_size];
};

static inline void write_digits(uint8_t *bytes, int count, int value) {
  for (; count > 0; value /= 10) bytes[--count] = (uint8_t)('0' + value % 10);
}

/* Brings `count` frames up to date. */
static inline void refresh_fast_answers(struct fast_answers *answers, const struct timespec *now, size_t count) {
  int64_t millisecond = (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000;
  if (answers->ready == 0 || millisecond != answers->millisecond) {
    answers->millisecond = millisecond;
    uint8_t *text = answers->frames + 5;
    if (answers->ready == 0 || now->tv_sec != answers->second) {
      struct tm local;
      localtime_r(&now->tv_sec, &local);
      answers->second = now->tv_sec;
      memcpy(answers->frames, "\x17\x0a\x15\x0a\x13", 5);
      write_digits(text, 4, local.tm_year + 1900);
      write_digits(text + 4, 2, local.tm_mon + 1);
      write_digits(text + 6, 2, local.tm_mday);
      text[8] = 'T';
      write_digits(text + 9, 2, local.tm_hour);
      write_digits(text + 11, 2, local.tm_min);
      write_digits(text + 13, 2, local.tm_sec);
      text[15] = '.';
    }
    write_digits(text + 16, 3, (int)(now->tv_nsec / 1000000));
    answers->ready = 1;
  }
  for (; answers->ready < count; answers->ready++)
    memcpy(answers->frames + answers->ready * fast_answer_size, answers->frames, fast_answer_size);
}

#endif
