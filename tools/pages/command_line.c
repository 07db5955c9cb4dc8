#include "command_line.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../avgping/options.h"
#include "node/options_table.h"

static enum pages_value value_of_text(const char *meta) {
  if (!meta) return PAGES_NO_VALUE;
  if (strcmp(meta, "file") == 0) return PAGES_FILE;
  return strcmp(meta, "directory") == 0 ? PAGES_DIRECTORY : PAGES_WORD;
}

static enum pages_value value_of(const struct pm_option *row) {
  switch (row->type) {
  case PM_OPTION_TEXT:
    return value_of_text(row->meta);
  case PM_OPTION_CHOICE:
    return PAGES_CHOICE;
  case PM_OPTION_INT:
  case PM_OPTION_LIST:
  case PM_OPTION_COUNTED_ACTION:
    return PAGES_WORD;
  case PM_OPTION_BOOL:
    return row->inverse ? PAGES_NO_VALUE : PAGES_BOOL;
  case PM_OPTION_VERBOSITY:
  case PM_OPTION_ACTION:
    break;
  }
  return PAGES_NO_VALUE;
}

static void note_of(const struct pm_option *row, char out[PAGES_NOTE_BYTES]) {
  out[0] = '\0';
  if (row->type == PM_OPTION_INT)
    snprintf(out, PAGES_NOTE_BYTES, "%lld to %lld; default %lld", (long long)row->low,
             (long long)row->high, (long long)row->fallback);
  else if (row->type == PM_OPTION_BOOL && row->fallback && !row->inverse)
    snprintf(out, PAGES_NOTE_BYTES, "default true");
  else if (row->type == PM_OPTION_CHOICE)
    snprintf(out, PAGES_NOTE_BYTES, "default %.*s", (int)strcspn(row->choices, "|"), row->choices);
}

static void add_row(struct pages_command_line *out, const struct pm_option *row) {
  struct pages_option *option = &out->options[out->count++];
  *option = (struct pages_option){
      .flag = row->flag,
      .env = row->env,
      .meta = row->meta,
      .help = row->help ? row->help : "",
      .choices = row->choices,
      .value = value_of(row),
      .optional = row->type == PM_OPTION_COUNTED_ACTION,
      .repeatable = row->type == PM_OPTION_LIST || row->type == PM_OPTION_VERBOSITY,
  };
  note_of(row, option->note);
}

static void add_avgping(void *owner, const char *flag, const char *meta, const char *help) {
  struct pages_command_line *out = owner;
  if (out->count == PAGES_OPTIONS_MAX) return;
  out->options[out->count++] =
      (struct pages_option){.flag = flag, .meta = meta, .help = help, .value = value_of_text(meta)};
}

bool pages_command_line_read(const char *name, struct pages_command_line *out) {
  *out = (struct pages_command_line){.name = name};
  if (strcmp(name, "avgping") == 0) {
    avgping_options_visit(add_avgping, out);
    return true;
  }
  if (strcmp(name, "pingmesh") != 0) return false;
  for (size_t i = 0; i < pm_options_count && i < PAGES_OPTIONS_MAX; i++)
    add_row(out, &pm_options_table[i]);
  return true;
}

const char *pages_dashes(const struct pages_option *option) {
  return strlen(option->flag) > 1 ? "--" : "-";
}
