#include "node/admin_token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The first line of the file, without its end. A byte of 0 in it is none of a token's. */
static enum pm_err read_line(const char *path, char *out, size_t out_bytes, struct pm_why *why) {
  FILE *file = fopen(path, "re");
  if (!file)
    return pm_why_set(why, PM_ERR_IO, "--admin-token-file: %s cannot be read: %s", path,
                      strerror(errno));
  size_t bytes = fread(out, 1, out_bytes - 1, file);
  int error = ferror(file) ? errno : 0; /* a directory opens, but does not read */
  fclose(file);
  if (error)
    return pm_why_set(why, PM_ERR_IO, "--admin-token-file: %s cannot be read: %s", path,
                      strerror(error));
  if (bytes == 0)
    return pm_why_set(why, PM_ERR_MISSING,
                      "--admin-token-file: %s is empty; its first line is to be the token", path);
  out[bytes] = '\0';
  size_t length = strcspn(out, "\r\n");
  if (out[length] == '\0' && length < bytes)
    return pm_why_set(why, PM_ERR_SYNTAX, "--admin-token-file: %s is no text: it has a byte of 0",
                      path);
  out[length] = '\0';
  return PM_OK;
}

static enum pm_err check(const char *token, const char *from, struct pm_why *why) {
  size_t length = strlen(token);
  if (length < PM_AUTH_TOKEN_BYTES_MIN || length > PM_AUTH_TOKEN_BYTES_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "%s: the token has %zu characters; %d to %d are right",
                      from, length, PM_AUTH_TOKEN_BYTES_MIN, PM_AUTH_TOKEN_BYTES_MAX);
  for (const char *at = token; *at; at++)
    if (*at <= ' ' || *at > '~')
      return pm_why_set(why, PM_ERR_SYNTAX,
                        "%s: the token has a blank or a character that is not ASCII; visible "
                        "ASCII characters are right",
                        from);
  return PM_OK;
}

enum pm_err pm_admin_token_read(const struct pm_options *options,
                                char out[PM_AUTH_TOKEN_BYTES_MAX + 1], struct pm_why *why) {
  char token[PM_AUTH_TOKEN_BYTES_MAX + 3] = ""; /* one too many, a line end, and a NUL */
  const char *from = "PINGMESH_ADMIN_TOKEN";
  out[0] = '\0';
  if (options->admin_token) {
    snprintf(token, sizeof(token), "%s", options->admin_token);
  } else if (options->admin_token_file) {
    from = options->admin_token_file;
    enum pm_err err = read_line(options->admin_token_file, token, sizeof(token), why);
    if (err != PM_OK) return err;
  } else {
    return PM_OK;
  }
  enum pm_err err = check(token, from, why);
  if (err == PM_OK) memcpy(out, token, strlen(token) + 1);
  return err;
}
