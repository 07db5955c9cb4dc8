/* The table of options, printed: --help, --print-config, and the settings of /v1/env. */
#include <stdio.h>
#include <string.h>

#include "node/options.h"
#include "node/options_table.h"

enum {
  VALUE_BYTES_MAX = 128 << 10, /* as long as the kernel lets an argument be */
  HELP_COLUMN = 28,
};

static const void *field_of(const struct pm_options *options, const struct pm_option *option) {
  return (const char *)options + option->offset;
}

static bool is_action(const struct pm_option *option) {
  return option->type == PM_OPTION_ACTION || option->type == PM_OPTION_COUNTED_ACTION;
}

static const char *text_of(const struct pm_options *options, const struct pm_option *option) {
  return *(const char *const *)field_of(options, option);
}

static void join(const struct pm_options_list *list, struct pm_buf *out) {
  for (size_t i = 0; i < list->count; i++) pm_buf_printf(out, "%s%s", i ? "," : "", list->items[i]);
}

static void append_value(const struct pm_options *options, const struct pm_option *option,
                         struct pm_buf *out) {
  switch (option->type) {
  case PM_OPTION_TEXT:
  case PM_OPTION_CHOICE: {
    const char *text = text_of(options, option);
    if (option->secret)
      pm_buf_text(out, text ? "(set)" : "(not set)");
    else
      pm_buf_text(out, text ? text : "");
    break;
  }
  case PM_OPTION_INT:
  case PM_OPTION_VERBOSITY:
    pm_buf_printf(out, "%lld", (long long)*(const int64_t *)field_of(options, option));
    break;
  case PM_OPTION_BOOL:
    pm_buf_text(out, *(const bool *)field_of(options, option) ? "true" : "false");
    break;
  case PM_OPTION_LIST:
    join(field_of(options, option), out);
    break;
  case PM_OPTION_ACTION:
  case PM_OPTION_COUNTED_ACTION:
    break;
  }
}

void pm_options_visit(const struct pm_options *options, pm_options_visitor visit, void *owner) {
  struct pm_buf value;
  bool verbosity_shown = false;
  pm_buf_init(&value, VALUE_BYTES_MAX);
  for (size_t i = 0; i < pm_options_count; i++) {
    const struct pm_option *option = &pm_options_table[i];
    const char *name = option->flag ? option->flag : option->env;
    if (is_action(option) || option->inverse) continue;
    if (option->type == PM_OPTION_VERBOSITY) {
      if (verbosity_shown) continue;
      verbosity_shown = true;
      name = "verbosity";
    }
    pm_buf_reset(&value);
    append_value(options, option, &value);
    visit(owner, name, value.data, options->origins[i]);
  }
  pm_buf_deinit(&value);
}

static void usage_row(const struct pm_option *option, struct pm_buf *out) {
  char head[96];
  if (option->flag)
    snprintf(head, sizeof(head), "  -%s%s%s%s", strlen(option->flag) > 1 ? "-" : "", option->flag,
             option->meta ? " " : "", option->meta ? option->meta : "");
  else
    snprintf(head, sizeof(head), "  %s", option->env);
  int pad = HELP_COLUMN - (int)strlen(head);
  pm_buf_text(out, head);
  if (pad > 0)
    pm_buf_printf(out, "%*s", pad, "");
  else
    pm_buf_printf(out, "\n%*s", HELP_COLUMN, "");
  pm_buf_text(out, option->help);
  if (option->type == PM_OPTION_INT && option->fallback)
    pm_buf_printf(out, " (%lld)", (long long)option->fallback);
  if (option->flag && option->env) pm_buf_printf(out, " [%s]", option->env);
  pm_buf_char(out, '\n');
}

void pm_options_usage(struct pm_buf *out) {
  pm_buf_text(out, "Usage: pingmesh [flags] [endpoint …]\n"
                   "Measures HTTP(S) latency to endpoints and to the peers of its mesh.\n\n"
                   "An endpoint is host, host:port, [v6]:port or a URL; #Place after it names its "
                   "location.\nPINGMESH_URL names more, separated by blanks or commas.\n\n"
                   "Flags, with their defaults and environment variables:\n");
  for (size_t i = 0; i < pm_options_count; i++)
    if (pm_options_table[i].help) usage_row(&pm_options_table[i], out);
  pm_buf_text(out, "\nExit status: 0 done or interrupted, 1 could not do its job, 2 wrong use,\n"
                   "3 a peer reached its failure limit in a run with -n.\n");
}

/* Single quotes, as a shell and xargs both read them. */
static void append_quoted(struct pm_buf *out, const char *text) {
  pm_buf_char(out, '\'');
  for (; *text; text++) {
    if (*text == '\'')
      pm_buf_text(out, "'\"'\"'");
    else
      pm_buf_char(out, *text);
  }
  pm_buf_text(out, "'\n");
}

static void print_argument(const struct pm_option *option, const char *value, struct pm_buf *out) {
  struct pm_buf arg;
  pm_buf_init(&arg, VALUE_BYTES_MAX);
  pm_buf_printf(&arg, "-%s%s=%s", strlen(option->flag) > 1 ? "-" : "", option->flag, value);
  append_quoted(out, arg.data);
  pm_buf_deinit(&arg);
}

static void print_option(const struct pm_options *options, const struct pm_option *option,
                         struct pm_buf *out) {
  if (!option->flag || option->inverse || option->secret || is_action(option) ||
      option->type == PM_OPTION_VERBOSITY)
    return;
  if (option->type == PM_OPTION_LIST) {
    const struct pm_options_list *list = field_of(options, option);
    for (size_t i = 0; i < list->count; i++) print_argument(option, list->items[i], out);
    return;
  }
  bool is_text = option->type == PM_OPTION_TEXT || option->type == PM_OPTION_CHOICE;
  /* The override is already part of the endpoints that it was given for. */
  if (is_text && !text_of(options, option)) return;
  struct pm_buf value;
  pm_buf_init(&value, VALUE_BYTES_MAX);
  append_value(options, option, &value);
  print_argument(option, value.data, out);
  pm_buf_deinit(&value);
}

/* A '%' begins an escape where a location is read; the rest of one is read as it is. */
static void append_location(struct pm_buf *out, const char *location) {
  if (*location) pm_buf_char(out, '#');
  for (; *location; location++) {
    if (*location == '%')
      pm_buf_text(out, "%25");
    else
      pm_buf_char(out, *location);
  }
}

static void print_target(const struct pm_options_target *target, struct pm_buf *out) {
  struct pm_buf text;
  pm_buf_init(&text, PM_URL_BYTES + PM_LOCATION_BYTES * 4);
  const char *url = target->endpoint.url;
  if (target->insecure)
    pm_buf_printf(&text, "https+insecure://%s", url + strlen("https://"));
  else
    pm_buf_text(&text, url);
  append_location(&text, target->endpoint.location);
  append_quoted(out, text.data);
  pm_buf_deinit(&text);
}

void pm_options_print(const struct pm_options *options, struct pm_buf *out) {
  static const char *const verbosity[] = {"'-q'\n", "", "'-v'\n", "'-V'\n"};
  for (size_t i = 0; i < pm_options_count; i++) print_option(options, &pm_options_table[i], out);
  pm_buf_text(out, verbosity[options->verbosity]);
  pm_buf_text(out, "'--'\n");
  for (size_t i = 0; i < options->targets_count; i++) print_target(&options->targets[i], out);
}
