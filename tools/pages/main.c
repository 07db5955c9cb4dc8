/* pm_pages man|bash|zsh|fish PROGRAM [TEMPLATE]: a manual page or a completion on standard output,
 * made from the program's table of options. Run by the build. */
#include <stdio.h>
#include <string.h>

#include "completion.h"
#include "manual.h"

enum { PAGE_BYTES_MAX = 1 << 20 };

static bool read_file(const char *path, struct pm_buf *out) {
  char piece[4096];
  size_t bytes;
  FILE *file = fopen(path, "re");
  if (!file) return false;
  while ((bytes = fread(piece, 1, sizeof(piece), file)) > 0) pm_buf_append(out, piece, bytes);
  bool is_whole = !ferror(file);
  fclose(file);
  return is_whole && pm_buf_status(out) == PM_OK;
}

/* False if kind is none that this program knows. */
static bool write_page(const char *kind, const struct pages_command_line *commands,
                       const struct pm_buf *template_text, struct pm_buf *out) {
  if (strcmp(kind, "man") == 0)
    pages_manual(commands, template_text->data, out);
  else if (strcmp(kind, "bash") == 0)
    pages_completion_bash(commands, out);
  else if (strcmp(kind, "zsh") == 0)
    pages_completion_zsh(commands, out);
  else if (strcmp(kind, "fish") == 0)
    pages_completion_fish(commands, out);
  else
    return false;
  return pm_buf_status(out) == PM_OK;
}

int main(int argc, char **argv) {
  static struct pages_command_line commands;
  struct pm_buf template_text, page;
  pm_buf_init(&template_text, PAGE_BYTES_MAX);
  pm_buf_init(&page, PAGE_BYTES_MAX);
  bool ok = argc >= 3 && pages_command_line_read(argv[2], &commands) &&
            (argc < 4 || read_file(argv[3], &template_text)) &&
            write_page(argv[1], &commands, &template_text, &page);
  if (ok)
    fputs(page.data, stdout);
  else
    fputs("usage: pm_pages man|bash|zsh|fish pingmesh|avgping [template]\n", stderr);
  pm_buf_deinit(&page);
  pm_buf_deinit(&template_text);
  return ok ? 0 : 2;
}
