/* What completes a command line in a shell: one script a program and shell. Flags complete after a
 * dash, values where there is something to offer: choices, files, directories. What else follows is
 * an endpoint, for which no shell knows names.
 */
#ifndef PAGES_COMPLETION_H
#define PAGES_COMPLETION_H

#include "base/buf.h"
#include "command_line.h"

void pages_completion_bash(const struct pages_command_line *commands, struct pm_buf *out);
void pages_completion_zsh(const struct pages_command_line *commands, struct pm_buf *out);
void pages_completion_fish(const struct pages_command_line *commands, struct pm_buf *out);

#endif
