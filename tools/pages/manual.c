#include "manual.h"

#include <string.h>

/* A plain hyphen would be set as a typographic one, a backslash begins an escape, and an apostrophe
 * or a full stop at a line's beginning a request. */
static void text(struct pm_buf *out, const char *plain) {
  static const char ellipsis[] = "\xe2\x80\xa6";
  for (; *plain; plain++) {
    if (*plain == '-')
      pm_buf_text(out, "\\-");
    else if (*plain == '\\')
      pm_buf_text(out, "\\e");
    else if (*plain == '\'')
      pm_buf_text(out, "\\(aq");
    else if (strncmp(plain, ellipsis, 3) == 0)
      pm_buf_text(out, "..."), plain += 2;
    else
      pm_buf_char(out, *plain);
  }
}

static void bold(struct pm_buf *out, const char *plain) {
  pm_buf_text(out, "\\fB");
  text(out, plain);
  pm_buf_text(out, "\\fR");
}

/* "\fB--bind\fR \fIaddress\fR": what stands on a flag's first line. */
static void head(const struct pages_option *option, struct pm_buf *out) {
  pm_buf_text(out, ".TP\n\\&");
  bold(out, pages_dashes(option));
  bold(out, option->flag);
  if (option->value == PAGES_BOOL) pm_buf_text(out, "[\\fB=false\\fR]");
  if (option->meta) {
    pm_buf_text(out, " \\fI");
    text(out, option->meta);
    pm_buf_text(out, "\\fR");
  }
  pm_buf_char(out, '\n');
}

static void body(const struct pages_option *option, const char *twin, struct pm_buf *out) {
  pm_buf_text(out, "\\&");
  text(out, *option->help ? option->help : "the same as the flag before");
  if (option->note[0]) {
    pm_buf_text(out, " (");
    text(out, option->note);
    pm_buf_char(out, ')');
  }
  pm_buf_char(out, '.');
  if (twin) {
    pm_buf_text(out, "\nEnvironment: ");
    bold(out, twin);
    pm_buf_char(out, '.');
  }
  pm_buf_char(out, '\n');
}

static void flags(const struct pages_command_line *commands, struct pm_buf *out) {
  for (size_t i = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (!option->flag) continue;
    head(option, out);
    body(option, option->env, out);
  }
}

/* Variables without a flag; the others stand with their flags. */
static void variables(const struct pages_command_line *commands, struct pm_buf *out) {
  for (size_t i = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (option->flag) continue;
    pm_buf_text(out, ".TP\n\\&");
    bold(out, option->env);
    pm_buf_char(out, '\n');
    body(option, NULL, out);
  }
}

void pages_manual(const struct pages_command_line *commands, const char *template_text,
                  struct pm_buf *out) {
  static const struct {
    const char *mark;
    void (*write)(const struct pages_command_line *, struct pm_buf *);
  } marks[] = {{"@OPTIONS@\n", flags}, {"@ENVIRONMENT@\n", variables}};
  static const char version[] = "@VERSION@";
  for (const char *at = template_text; *at;) {
    size_t i = 0;
    while (i < 2 && strncmp(at, marks[i].mark, strlen(marks[i].mark)) != 0) i++;
    if (i < 2) {
      marks[i].write(commands, out);
      at += strlen(marks[i].mark);
    } else if (strncmp(at, version, strlen(version)) == 0) {
      pm_buf_text(out, PM_VERSION);
      at += strlen(version);
    } else {
      pm_buf_char(out, *at++);
    }
  }
}
