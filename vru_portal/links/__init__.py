"""Links that are emailed to people without an account, and the emails that carry them."""
