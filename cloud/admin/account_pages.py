"""The pages of accounts."""

from cloud.admin.rules import RULES
from cloud.admin.templates import PAGES
from contract.identity import ROLES
from web.account_pages import account_pages
from web.guard import guarded_page

router = account_pages(guarded_page(RULES), PAGES.page, ROLES)
