/* Random bytes that nobody can guess, from getrandom(2), and comparison that tells nothing by its
 * duration. Acts (it asks the kernel): pure layers are handed their seeds.
 */
#ifndef PM_BASE_SECRET_H
#define PM_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum pm_err pm_secret_fill(void *out, size_t bytes) PM_MUST_USE;
/* Takes as long whatever the content; lengths are no secret. */
bool pm_secret_equal(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

#endif
