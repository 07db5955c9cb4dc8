#include "completion.h"

#include <string.h>

static bool needs_value(const struct pages_option *option) {
  return option->value != PAGES_NO_VALUE && option->value != PAGES_BOOL && !option->optional;
}

/* "text|tsv|json", with blanks between. */
static void choices(const struct pages_option *option, struct pm_buf *out) {
  for (const char *at = option->choices; *at; at++) pm_buf_char(out, *at == '|' ? ' ' : *at);
}

/* Inside single quotes: each character of specials gets a backslash, and a single quote becomes
 * quote. */
static void quoted(struct pm_buf *out, const char *text, const char *specials, const char *quote) {
  for (; *text; text++) {
    if (*text == '\'') {
      pm_buf_text(out, quote);
      continue;
    }
    if (strchr(specials, *text)) pm_buf_char(out, '\\');
    pm_buf_char(out, *text);
  }
}

/* --- bash ------------------------------------------------------------------------------------ */

/* One case for all flags with values of that kind; false if there are none. */
static bool bash_flags(const struct pages_command_line *commands, enum pages_value value,
                       struct pm_buf *out) {
  size_t shown = 0;
  for (size_t i = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (!option->flag || !needs_value(option) || option->value != value) continue;
    pm_buf_printf(out, "%s-%s | --%s", shown++ ? " | " : "    ", option->flag, option->flag);
  }
  if (shown) pm_buf_text(out, ")\n");
  return shown > 0;
}

static void bash_paths(const struct pages_command_line *commands, enum pages_value value,
                       struct pm_buf *out) {
  if (!bash_flags(commands, value, out)) return;
  pm_buf_printf(out,
                "      compopt -o filenames 2>/dev/null\n"
                "      mapfile -t COMPREPLY < <(compgen -%c -- \"$current\")\n"
                "      return ;;\n",
                value == PAGES_FILE ? 'f' : 'd');
}

static void bash_choices(const struct pages_option *option, struct pm_buf *out) {
  if (!option->flag || option->value != PAGES_CHOICE) return;
  pm_buf_printf(out, "    -%s | --%s)\n      mapfile -t COMPREPLY < <(compgen -W \"", option->flag,
                option->flag);
  choices(option, out);
  pm_buf_text(out, "\" -- \"$current\")\n      return ;;\n");
}

static void bash_values(const struct pages_command_line *commands, struct pm_buf *out) {
  pm_buf_text(out, "  case $previous in\n");
  for (size_t i = 0; i < commands->count; i++) bash_choices(&commands->options[i], out);
  bash_paths(commands, PAGES_FILE, out);
  bash_paths(commands, PAGES_DIRECTORY, out);
  if (bash_flags(commands, PAGES_WORD, out)) pm_buf_text(out, "      return ;;\n");
  pm_buf_text(out, "  esac\n");
}

void pages_completion_bash(const struct pages_command_line *commands, struct pm_buf *out) {
  pm_buf_printf(out,
                "# Completion of %s for bash, generated from its table of options.\n"
                "_%s() {\n"
                "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                "  COMPREPLY=()\n",
                commands->name, commands->name);
  bash_values(commands, out);
  pm_buf_text(out, "  [[ $current == -* ]] || return\n"
                   "  mapfile -t COMPREPLY < <(compgen -W \"");
  for (size_t i = 0, shown = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (option->flag)
      pm_buf_printf(out, "%s%s%s", shown++ ? " " : "", pages_dashes(option), option->flag);
  }
  pm_buf_printf(out,
                "\" -- \"$current\")\n"
                "}\n"
                "complete -F _%s %s\n",
                commands->name, commands->name);
}

/* --- zsh ------------------------------------------------------------------------------------- */

static void zsh_value(const struct pages_option *option, struct pm_buf *out) {
  const char *meta = option->meta ? option->meta : "value";
  switch (option->value) {
  case PAGES_NO_VALUE:
    return;
  case PAGES_BOOL:
    pm_buf_text(out, "::value:(true false)");
    return;
  case PAGES_CHOICE:
    pm_buf_text(out, ":value:(");
    choices(option, out);
    pm_buf_char(out, ')');
    return;
  case PAGES_FILE:
    pm_buf_text(out, ":file:_files");
    return;
  case PAGES_DIRECTORY:
    pm_buf_text(out, ":directory:_files -/");
    return;
  case PAGES_WORD:
    pm_buf_text(out, option->optional ? "::" : ":");
    quoted(out, meta, ":\\", "'\\''");
    pm_buf_text(out, ": ");
    return;
  }
}

void pages_completion_zsh(const struct pages_command_line *commands, struct pm_buf *out) {
  pm_buf_printf(out,
                "#compdef %s\n"
                "# Completion of %s for zsh, generated from its table of options.\n"
                "_arguments \\\n",
                commands->name, commands->name);
  for (size_t i = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (!option->flag) continue;
    pm_buf_printf(out, "  '%s%s%s%s[", option->repeatable ? "*" : "", pages_dashes(option),
                  option->flag, option->value == PAGES_BOOL ? "=-" : "");
    quoted(out, option->help, "[]\\", "'\\''");
    pm_buf_char(out, ']');
    zsh_value(option, out);
    pm_buf_text(out, "' \\\n");
  }
  pm_buf_text(out, "  '*:endpoint:_hosts'\n");
}

/* --- fish ------------------------------------------------------------------------------------ */

void pages_completion_fish(const struct pages_command_line *commands, struct pm_buf *out) {
  pm_buf_printf(out,
                "# Completion of %s for fish, generated from its table of options.\n"
                "complete -c %s -f\n",
                commands->name, commands->name);
  for (size_t i = 0; i < commands->count; i++) {
    const struct pages_option *option = &commands->options[i];
    if (!option->flag) continue;
    bool is_path = option->value == PAGES_FILE || option->value == PAGES_DIRECTORY;
    pm_buf_printf(out, "complete -c %s -%c %s", commands->name,
                  strlen(option->flag) > 1 ? 'l' : 's', option->flag);
    if (needs_value(option)) pm_buf_text(out, is_path ? " -r -F" : " -x");
    if (option->value == PAGES_CHOICE) {
      pm_buf_text(out, " -a '");
      choices(option, out);
      pm_buf_char(out, '\'');
    }
    pm_buf_text(out, " -d '");
    quoted(out, option->help, "\\", "\\'");
    pm_buf_text(out, "'\n");
  }
}
