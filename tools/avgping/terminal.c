#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The first of them that is set and not empty decides, as for setlocale. */
static bool is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *value = getenv(names[i]);
    if (value == NULL || value[0] == '\0') continue;
    return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
  }
  return false;
}

static int columns_of_terminal(void) {
  struct winsize size = {0};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return AVGPING_COLUMNS_DEFAULT;
  if (size.ws_col < AVGPING_COLUMNS_MIN) return AVGPING_COLUMNS_MIN;
  return size.ws_col < AVGPING_COLUMNS_MAX ? size.ws_col : AVGPING_COLUMNS_MAX;
}

struct avgping_terminal avgping_terminal_of_stdout(void) {
  struct avgping_terminal terminal = {.utf8 = is_utf8()};
  if (!isatty(STDOUT_FILENO)) return terminal;
  const char *kind = getenv("TERM"), *no_colour = getenv("NO_COLOR");
  terminal.columns = columns_of_terminal();
  terminal.colour =
      kind != NULL && strcmp(kind, "dumb") != 0 && (no_colour == NULL || no_colour[0] == '\0');
  return terminal;
}
