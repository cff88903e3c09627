"""The dialect of Alpaca: bots that were written for it run here, only their base URL changed.

It translates: bodies and queries into the commands and questions of the native API, orders,
accounts and prices back into Alpaca's objects, refusals into `{"code", "message"}`. It never
decides what the exchange decides, and never shows what Alpaca has no word for (futures, currency
pairs, dated orders, ...): that lives on the native API. Of its own it keeps two things, in
`auth.db`: which order replaced which (`replacements`), and an account's configuration.

Start reading at `application.py` (what is where), then `orders.py` (an order in both languages),
then `order_routes.py`.
"""
