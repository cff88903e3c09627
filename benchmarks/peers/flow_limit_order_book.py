"""limit-order-book: a C++ book behind ctypes, each operation of the flow with a Python call."""

from limit_order_book import LimitOrderBook
from measured import flow, tell

ADD, CANCEL = 0, 1


def main():
    operations = flow()

    def work():
        book = LimitOrderBook()
        add, cancel, market = book.limit, book.cancel, book.market
        for kind, number, side, price, quantity in operations:
            if kind == ADD:
                add(side == 0, number, quantity, price)
            elif kind == CANCEL:
                cancel(number)
            else:
                market(side == 0, number, quantity)
        return {"live": book.count(), "bid": book.best_buy(), "ask": book.best_sell()}

    tell("limit-order-book", len(operations), work, "operations/s")


if __name__ == "__main__":
    main()
