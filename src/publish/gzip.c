#include "publish/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
  BYTES_MAX = 1 << 30,
  WINDOW_BITS = 15 + 16, /* the largest window; and gzip's header instead of zlib's */
  MEMORY_LEVEL = 8,      /* zlib's default */
  /* Names repeat from line to line: the fastest level already takes nine tenths away, in a fifth of
   * the default's time. */
  LEVEL = 1,
};

enum pm_err pm_gzip(const char *text, size_t bytes, char **out, size_t *out_bytes) {
  if (bytes > BYTES_MAX) return PM_ERR_TOO_LARGE;
  z_stream stream = {0};
  if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return PM_ERR_NOMEM;
  size_t room = deflateBound(&stream, bytes);
  char *packed = malloc(room);
  if (packed == NULL) {
    deflateEnd(&stream);
    return PM_ERR_NOMEM;
  }
  stream.next_in = (Bytef *)(uintptr_t)text;
  stream.avail_in = (uInt)bytes;
  stream.next_out = (Bytef *)packed;
  stream.avail_out = (uInt)room;
  int result = deflate(&stream, Z_FINISH);
  *out_bytes = stream.total_out;
  deflateEnd(&stream);
  if (result != Z_STREAM_END) { /* cannot be: the room is deflate's own bound */
    free(packed);
    return PM_ERR_NOMEM;
  }
  char *fitted = realloc(packed, *out_bytes);
  *out = fitted != NULL ? fitted : packed;
  return PM_OK;
}
