#include "node/identity.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

static struct pm_ip ip_of(const uv_interface_address_t *interface) {
  if (interface->address.address4.sin_family == AF_INET)
    return pm_ip_from_bytes(PM_IP_V4, &interface->address.address4.sin_addr);
  return pm_ip_from_bytes(PM_IP_V6, &interface->address.address6.sin6_addr);
}

static void find_addresses(struct pm_identity *identity) {
  uv_interface_address_t *interfaces;
  int count;
  if (uv_interface_addresses(&interfaces, &count) != 0) return;
  for (int i = 0; i < count && identity->addresses_count < PM_IDENTITY_ADDRESSES_MAX; i++)
    identity->addresses[identity->addresses_count++] = ip_of(&interfaces[i]);
  uv_free_interface_addresses(interfaces, count);
}

static void locate_by_address(struct pm_identity *identity) {
  for (size_t i = 0; i < identity->addresses_count; i++) {
    enum pm_ip_class class = pm_ip_classify(&identity->addresses[i]);
    if (class != PM_IP_CLASS_PUBLIC && class != PM_IP_CLASS_PRIVATE) continue;
    char text[PM_IP_TEXT_BYTES];
    pm_ip_text(&identity->addresses[i], text);
    snprintf(identity->location, sizeof(identity->location), "%s", text);
    return;
  }
  snprintf(identity->location, sizeof(identity->location), "localhost");
}

void pm_identity_init(struct pm_identity *identity, const struct pm_options *options,
                      struct pm_wall now) {
  memset(identity, 0, sizeof(*identity));
  identity->start = now;
  identity->listen_port = (uint16_t)options->listen_port;
  identity->report_port =
      (uint16_t)(options->report_port ? options->report_port : options->listen_port);
  snprintf(identity->host, sizeof(identity->host), "%s",
           options->hostname ? options->hostname : "");
  if (options->bind && pm_ip_parse(options->bind, &identity->bind) != PM_OK)
    identity->bind.family = PM_IP_NONE; /* options have been checked */
  find_addresses(identity);
  if (options->location && *options->location)
    snprintf(identity->location, sizeof(identity->location), "%s", options->location);
  else
    locate_by_address(identity);
}

static bool is_own_address(const struct pm_identity *identity, const struct pm_ip *ip) {
  if (identity->bind.family != PM_IP_NONE) return pm_ip_equal(&identity->bind, ip);
  enum pm_ip_class class = pm_ip_classify(ip);
  if (class == PM_IP_CLASS_LOOPBACK || class == PM_IP_CLASS_UNSPECIFIED) return true;
  for (size_t i = 0; i < identity->addresses_count; i++)
    if (pm_ip_equal(&identity->addresses[i], ip)) return true;
  return false;
}

bool pm_identity_is_self(const struct pm_identity *identity, const struct pm_endpoint *endpoint) {
  if (identity->listen_port == 0) return false;
  if (endpoint->ip_override.family != PM_IP_NONE)
    return endpoint->port == identity->listen_port &&
           is_own_address(identity, &endpoint->ip_override);
  if (endpoint->host_is_ip)
    return endpoint->port == identity->listen_port && is_own_address(identity, &endpoint->host_ip);
  if (strcasecmp(endpoint->host, "localhost") == 0) {
    struct pm_ip loopback;
    return endpoint->port == identity->listen_port &&
           pm_ip_parse("127.0.0.1", &loopback) == PM_OK && is_own_address(identity, &loopback);
  }
  return identity->host[0] && strcasecmp(endpoint->host, identity->host) == 0 &&
         endpoint->port == identity->report_port;
}
