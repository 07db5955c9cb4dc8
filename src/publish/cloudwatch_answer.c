#include "publish/cloudwatch_answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CODE_BYTES = 96, MESSAGE_BYTES = 256 };

/* The text of the first element of that name; "" if there is none. */
static void element(const char *body, const char *name, char *out, size_t out_bytes) {
  char tag[32];
  out[0] = '\0';
  snprintf(tag, sizeof(tag), "<%s>", name);
  const char *at = strstr(body, tag);
  if (at == NULL) return;
  at += strlen(tag);
  snprintf(out, out_bytes, "%.*s", (int)strcspn(at, "<"), at);
}

static bool is_one_of(const char *code, const char *const *codes) {
  for (; *codes != NULL; codes++)
    if (strcmp(code, *codes) == 0) return true;
  return false;
}

static enum pm_cloudwatch_verdict judge_code(int http_status, const char *code) {
  /* AWS names throttling with status 400, too. */
  static const char *const later[] = {"Throttling",
                                      "ThrottlingException",
                                      "ThrottledException",
                                      "RequestThrottled",
                                      "RequestThrottledException",
                                      "TooManyRequestsException",
                                      "RequestLimitExceeded",
                                      "BandwidthLimitExceeded",
                                      "LimitExceededException",
                                      "ProvisionedThroughputExceededException",
                                      "SlowDown",
                                      "PriorRequestNotComplete",
                                      "TransactionInProgressException",
                                      "RequestTimeout",
                                      "RequestTimeoutException",
                                      "InternalFailure",
                                      "InternalServiceFault",
                                      "InternalServiceError",
                                      "ServiceUnavailable",
                                      NULL};
  static const char *const credentials[] = {"ExpiredToken",
                                            "ExpiredTokenException",
                                            "RequestExpired", /* our clock, or theirs */
                                            "TokenRefreshRequired",
                                            "InvalidClientTokenId",
                                            "UnrecognizedClientException",
                                            "UnrecognizedClient",
                                            "InvalidAccessKeyId",
                                            "SignatureDoesNotMatch",
                                            "InvalidSignatureException",
                                            "IncompleteSignature",
                                            "MissingAuthenticationToken",
                                            "MissingAuthenticationTokenException",
                                            NULL};
  if (is_one_of(code, later) || http_status == 408 || http_status == 429 || http_status >= 500)
    return PM_CLOUDWATCH_LATER;
  if (is_one_of(code, credentials)) return PM_CLOUDWATCH_CREDENTIALS;
  return PM_CLOUDWATCH_NEVER;
}

enum pm_cloudwatch_verdict pm_cloudwatch_judge(int http_status, const char *body,
                                               struct pm_why *words) {
  char code[CODE_BYTES], message[MESSAGE_BYTES];
  if (http_status >= 200 && http_status < 300) return PM_CLOUDWATCH_TAKEN;
  element(body, "Code", code, sizeof(code));
  element(body, "Message", message, sizeof(message));
  if (code[0] != '\0')
    pm_why_set(words, PM_ERR_DENIED, "HTTP status %d, %s: %s", http_status, code, message);
  else
    pm_why_set(words, PM_ERR_DENIED, "HTTP status %d: %.*s", http_status, MESSAGE_BYTES, body);
  return judge_code(http_status, code);
}
