/* A command line, an argument a line, and an environment, whose lines are "@NAME=value": whatever
 * runs is printed as arguments that give the same configuration. And a process's command line, as
 * the kernel gives it to a health check, is cut into the same arguments. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/healthcheck.h"
#include "node/options.h"
#include "node/options_table.h"

enum { ARGUMENTS_MAX = 256, PRINTED_MAX = 1024 };

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  char *arguments[ARGUMENTS_MAX + 1];
  int count;
  const char *variables[ARGUMENTS_MAX];
  size_t variables_count;
};

static const char *variable(void *owner, const char *name) {
  const struct input *input = owner;
  const size_t length = strlen(name);
  for (size_t i = 0; i < input->variables_count; i++)
    if (strncmp(input->variables[i], name, length) == 0 && input->variables[i][length] == '=')
      return input->variables[i] + length + 1;
  return NULL;
}

/* Secrets are never printed: they come from the environment again. */
static const char *secret(void *owner, const char *name) {
  for (size_t i = 0; i < pm_options_count; i++)
    if (pm_options_table[i].secret && pm_options_table[i].env &&
        strcmp(pm_options_table[i].env, name) == 0)
      return variable(owner, name);
  return NULL;
}

static void cut(char *text, struct input *out) {
  static char name[] = "pingmesh";
  *out = (struct input){.arguments = {name}, .count = 1};
  for (char *line; (line = strsep(&text, "\n")) != NULL && out->count < ARGUMENTS_MAX;) {
    if (line[0] == '@' && out->variables_count < ARGUMENTS_MAX)
      out->variables[out->variables_count++] = line + 1;
    else
      out->arguments[out->count++] = line;
  }
}

/* 'it'"'"'s' → it's, in place. */
static void unquote(char *quoted) {
  char *to = quoted;
  size_t length = strlen(quoted);
  CHECK(length >= 2 && quoted[0] == '\'' && quoted[length - 1] == '\'');
  quoted[length - 1] = '\0';
  for (const char *from = quoted + 1; *from != '\0'; from++) {
    *to++ = *from;
    if (*from != '\'') continue;
    CHECK(strncmp(from, "'\"'\"'", 5) == 0);
    from += 4;
  }
  *to = '\0';
}

static void check_print(const struct pm_options *options, struct input *input) {
  static char *words[PRINTED_MAX];
  struct pm_options again;
  struct pm_why why = {""};
  struct pm_buf printed, once_more;
  int count = 1;
  words[0] = input->arguments[0];
  pm_buf_init(&printed, 1 << 20);
  pm_buf_init(&once_more, 1 << 20);
  pm_options_print(options, &printed);
  CHECK(pm_buf_status(&printed) == PM_OK);
  char *copy = strdup(printed.data), *rest = copy;
  CHECK(copy != NULL);
  for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0' && count < PRINTED_MAX;) {
    unquote(line);
    words[count++] = line;
  }
  CHECK(pm_options_parse(count, words, secret, input, &again, &why) == PM_OPTIONS_RUN);
  pm_options_print(&again, &once_more);
  CHECK(strcmp(printed.data, once_more.data) == 0);
  CHECK(again.targets_count == options->targets_count);
  for (size_t i = 0; i < again.targets_count; i++)
    CHECK(pm_endpoint_equal(&again.targets[i].endpoint, &options->targets[i].endpoint));
  pm_options_deinit(&again);
  free(copy);
  pm_buf_deinit(&printed);
  pm_buf_deinit(&once_more);
}

static void check_command(const uint8_t *data, size_t size) {
  char *found[8];
  char *command = calloc(1, size + 1);
  CHECK(command != NULL);
  if (size > 0) memcpy(command, data, size);
  for (size_t i = 0; i < size; i++)
    if (command[i] == '\n') command[i] = '\0';
  const int count = pm_healthcheck_arguments(command, size, found, 8);
  CHECK(count < 8 && (count == 0 || found[count] == NULL));
  for (int i = 0; i < count; i++)
    CHECK(found[i] >= command && found[i] + strlen(found[i]) <= command + size);
  free(command);
}

/* An override is of the named endpoints alone, and there is no way to write those of PINGMESH_URL
 * beside them. */
static bool can_be_written(const struct pm_options *options) {
  return options->ip_override == NULL || options->targets_named == options->targets_count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input;
  struct pm_options options;
  struct pm_why why = {""};
  char *text = strndup(size > 0 ? (const char *)data : "", size);
  CHECK(text != NULL);
  cut(text, &input);
  enum pm_options_action action =
      pm_options_parse(input.count, input.arguments, variable, &input, &options, &why);
  if (action == PM_OPTIONS_RUN && can_be_written(&options)) check_print(&options, &input);
  if (action == PM_OPTIONS_WRONG) CHECK(why.text[0] != '\0');
  pm_options_deinit(&options);
  check_command(data, size);
  free(text);
  return 0;
}
