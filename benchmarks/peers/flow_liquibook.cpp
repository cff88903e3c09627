// liquibook: the flow of orders through its order book with its own listeners, timed in C++.
// usage: flow_liquibook FILE OPERATIONS RUNS; FILE has rows of five 64-bit numbers
// (kind, order, side, price in ticks, quantity). Prints a line a run: seconds, trades, volume, live.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <book/order.h>
#include <book/order_book.h>

namespace book = liquibook::book;

struct Row {
  int64_t kind, order, side, price, quantity;
};

class Order : public book::Order {
 public:
  Order(bool buys, book::Price price, book::Quantity quantity)
      : buys_(buys), price_(price), quantity_(quantity) {}
  bool is_buy() const override { return buys_; }
  book::Price price() const override { return price_; }
  book::Quantity order_qty() const override { return quantity_; }

 private:
  bool buys_;
  book::Price price_;
  book::Quantity quantity_;
};

using Book = book::OrderBook<Order*>;

class Counter : public book::TradeListener<Book> {
 public:
  void on_trade(const Book*, book::Quantity quantity, book::Price) override {
    ++trades;
    volume += quantity;
  }
  uint64_t trades = 0, volume = 0;
};

static std::vector<Row> read(const char* path, size_t count) {
  std::vector<Row> rows(count);
  FILE* file = std::fopen(path, "rb");
  if (!file || std::fread(rows.data(), sizeof(Row), count, file) != count) {
    std::fprintf(stderr, "the flow could not be read from %s\n", path);
    std::exit(1);
  }
  std::fclose(file);
  return rows;
}

static void run(const std::vector<Row>& rows) {
  // Orders are made before the clock, as for us.
  std::vector<Order> orders;
  orders.reserve(rows.size());
  std::vector<Order*> by_id(rows.size() + 1, nullptr);
  for (const Row& row : rows) {
    if (row.kind == 1) continue;
    orders.emplace_back(row.side == 0, row.kind == 0 ? row.price : 0, row.quantity);
    by_id[row.order] = &orders.back();
  }
  Book book;
  Counter counter;
  book.set_trade_listener(&counter);
  const auto start = std::chrono::steady_clock::now();
  for (const Row& row : rows) {
    if (row.kind == 1) {
      book.cancel(by_id[row.order]);
    } else {
      const auto conditions = row.kind == 0 ? 0 : book::oc_immediate_or_cancel;
      book.add(by_id[row.order], conditions);
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.9f %llu %llu %zu\n", taken.count(), (unsigned long long)counter.trades,
              (unsigned long long)counter.volume, book.bids().size() + book.asks().size());
}

int main(int count, char** words) {
  if (count != 4) return 2;
  const std::vector<Row> rows = read(words[1], std::strtoull(words[2], nullptr, 10));
  for (int left = std::atoi(words[3]); left > 0; --left) run(rows);
}
