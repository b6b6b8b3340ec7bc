/* What Swift needs of libuv: its header, and the casts between handle types
   that C code writes as (uv_handle_t *) and Swift cannot express. */
#ifndef CLIBUV_SHIM_H
#define CLIBUV_SHIM_H

#include <uv.h>

#endif
