/* What Swift needs of libuv: its header, and the casts that C code writes as
   (uv_stream_t *) and Swift has no words for. Every libuv handle and request
   begins with the members of its base, which makes the casts well defined:
   https://docs.libuv.org/en/v1.x/handle.html */
#ifndef CLIBUV_SHIM_H
#define CLIBUV_SHIM_H

#include <uv.h>

#if UV_VERSION_HEX < 0x012c00
#error "UVNet needs libuv 1.44 or newer"
#endif

static inline uv_stream_t *cuv_stream(uv_handle_t *handle) {
  return (uv_stream_t *)handle;
}

static inline uv_tcp_t *cuv_tcp(uv_handle_t *handle) {
  return (uv_tcp_t *)handle;
}

static inline uv_pipe_t *cuv_pipe(uv_handle_t *handle) {
  return (uv_pipe_t *)handle;
}

static inline uv_tty_t *cuv_tty(uv_handle_t *handle) {
  return (uv_tty_t *)handle;
}

static inline uv_timer_t *cuv_timer(uv_handle_t *handle) {
  return (uv_timer_t *)handle;
}

static inline uv_signal_t *cuv_signal(uv_handle_t *handle) {
  return (uv_signal_t *)handle;
}

static inline uv_prepare_t *cuv_prepare(uv_handle_t *handle) {
  return (uv_prepare_t *)handle;
}

static inline uv_idle_t *cuv_idle(uv_handle_t *handle) {
  return (uv_idle_t *)handle;
}

static inline uv_async_t *cuv_async(uv_handle_t *handle) {
  return (uv_async_t *)handle;
}

#endif
