#include "probe/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Lines without end are cut into pieces; the marker sits at the beginning of a line. */
enum { LINE_BYTES = 256 };

static bool has_certificate(FILE *file) {
  static const char marker[] = "-----BEGIN ";
  char line[LINE_BYTES];
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, marker, sizeof marker - 1) == 0 && strstr(line, "CERTIFICATE-----"))
      return true;
  }
  return false;
}

static enum pm_err check(const char *path, struct pm_why *why) {
  FILE *file = fopen(path, "re");
  if (!file)
    return pm_why_set(why, errno == ENOENT ? PM_ERR_MISSING : PM_ERR_IO,
                      "the file of certificate authorities %s cannot be read: %s", path,
                      strerror(errno));
  bool found = has_certificate(file);
  fclose(file);
  if (found) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "the file of certificate authorities %s holds no certificate in PEM form",
                    path);
}

enum pm_err pm_trust_file(const char *wanted, const char **out, struct pm_why *why) {
  static const char *const system_files[] = {
      "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
      "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
      "/etc/ssl/ca-bundle.pem",             /* openSUSE */
      "/etc/ssl/cert.pem",                  /* Alpine without its package of authorities */
  };
  if (wanted) {
    enum pm_err err = check(wanted, why);
    if (err == PM_OK) *out = wanted;
    return err;
  }
  *out = NULL;
  for (size_t i = 0; i < sizeof system_files / sizeof *system_files && !*out; i++)
    if (access(system_files[i], R_OK) == 0) *out = system_files[i];
  return PM_OK;
}
