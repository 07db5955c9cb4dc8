/* Errors: one list gives the code, its name and its text.
 *
 * PM_OK is 0. A function that can fail returns enum pm_err and writes its outputs only on success.
 * Where a person wrote the input, it also fills a struct pm_why: one sentence that names the thing,
 * the value, and what would be right.
 *
 * A failed probe is not an error in this sense: it is data, see probe/sample.h.
 */
#ifndef PM_BASE_ERR_H
#define PM_BASE_ERR_H

#include <stdarg.h>

#define PM_ERR_MAP(X)                      \
  X(OK, "success")                         \
  X(NOMEM, "out of memory")                \
  X(FULL, "a limit is reached")            \
  X(SYNTAX, "not well formed")             \
  X(TYPE, "of another type than expected") \
  X(RANGE, "out of range")                 \
  X(MISSING, "not there")                  \
  X(DUPLICATE, "there already")            \
  X(DENIED, "not allowed")                 \
  X(TOO_LARGE, "larger than its limit")    \
  X(TIMEOUT, "took too long")              \
  X(CLOSED, "closed")                      \
  X(IO, "input or output failed")          \
  X(SYSTEM, "the system refused")

enum pm_err {
#define X(name, text) PM_ERR_##name,
  PM_ERR_MAP(X)
#undef X
      PM_ERR_COUNT
};

#define PM_OK           PM_ERR_OK
#define PM_MUST_USE     __attribute__((warn_unused_result))
#define PM_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* "NOMEM"; and "out of memory". Never NULL. */
const char *pm_err_name(enum pm_err err);
const char *pm_err_text(enum pm_err err);

enum { PM_WHY_BYTES = 320 };

/* One sentence for a person, without a final full stop or line end; cut where it would not fit.
 * Bytes that could garble a terminal or a log are replaced (base/escape.h). */
struct pm_why {
  char text[PM_WHY_BYTES];
};

/* why may be NULL: then nobody wants the sentence. Returns err, so that a caller can write
 * `return pm_why_set(why, PM_ERR_RANGE, "…", …);`. */
enum pm_err pm_why_set(struct pm_why *why, enum pm_err err, const char *format, ...)
    PM_PRINTF(3, 4);

#endif
