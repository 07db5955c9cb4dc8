#include "api/login_page.h"

#include <stddef.h>

#include "api/html.h"

void pm_login_page(struct pm_buf *out, const char *next, const char *detail) {
  pm_html_begin(out, "Log in");
  if (detail != NULL) pm_html_alert(out, detail);
  pm_html_form_begin(out, "/v1/login");
  pm_html_field(out, &(struct pm_html_field){
                         .name = "token",
                         .label = "Admin token",
                         .hint = "The value of PINGMESH_ADMIN_TOKEN. This browser then stays an "
                                 "operator's for 12 hours.",
                         .type = "password",
                         .value = "",
                         .attributes = "required autocomplete=\"current-password\""});
  pm_html_field(out, &(struct pm_html_field){.name = "next", .type = "hidden", .value = next});
  pm_html_form_end(out, "Log in");
  pm_html_end(out);
}

void pm_login_done_page(struct pm_buf *out) {
  pm_html_begin(out, "Log in");
  pm_html_element(out, "p", "You are an operator of this node.");
  pm_html_form_begin(out, "/v1/logout");
  pm_html_form_end(out, "Log out");
  pm_html_end(out);
}
