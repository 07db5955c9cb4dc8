/* A manual page, in the macros of man(7): a template in which a line @OPTIONS@ stands for the
 * flags,
 * @ENVIRONMENT@ for the variables, and @VERSION@ anywhere for the version.
 */
#ifndef PAGES_MANUAL_H
#define PAGES_MANUAL_H

#include "base/buf.h"
#include "command_line.h"

void pages_manual(const struct pages_command_line *commands, const char *template_text,
                  struct pm_buf *out);

#endif
