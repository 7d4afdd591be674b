"""The pages of accounts."""

from police.api.rules import ROLES, RULES
from police.api.templates import PAGES
from web.account_pages import account_pages
from web.guard import guarded_page

router = account_pages(guarded_page(RULES), PAGES.page, ROLES, trail=False)
