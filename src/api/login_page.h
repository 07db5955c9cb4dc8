/* The page that asks a person for the admin token.
 */
#ifndef PM_API_LOGIN_PAGE_H
#define PM_API_LOGIN_PAGE_H

#include "base/buf.h"

/* next: the path to go to afterwards. detail: why it is asked, one sentence; NULL: none. */
void pm_login_page(struct pm_buf *out, const char *next, const char *detail);
/* The page for who is an operator already, with a button to log out. */
void pm_login_done_page(struct pm_buf *out);

#endif
