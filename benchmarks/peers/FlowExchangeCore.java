// exchange-core: the flow of orders through its direct order book alone, and through the whole of
// it with its risk engine, timed in Java.
// usage: FlowExchangeCore FILE OPERATIONS RUNS book|world; FILE has rows of five 64-bit numbers
// (kind, order, side, price in ticks, quantity). Prints a line a run: seconds, trades, volume, live.

import exchange.core2.collections.objpool.ObjectsPool;
import exchange.core2.core.ExchangeApi;
import exchange.core2.core.ExchangeCore;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.CoreWaitStrategy;
import exchange.core2.core.common.L2MarketData;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.api.ApiAddUser;
import exchange.core2.core.common.api.ApiAdjustUserBalance;
import exchange.core2.core.common.api.ApiCancelOrder;
import exchange.core2.core.common.api.ApiCommand;
import exchange.core2.core.common.api.ApiPlaceOrder;
import exchange.core2.core.common.api.binary.BatchAddSymbolsCommand;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.cmd.OrderCommandType;
import exchange.core2.core.common.config.ExchangeConfiguration;
import exchange.core2.core.common.config.InitialStateConfiguration;
import exchange.core2.core.common.config.LoggingConfiguration;
import exchange.core2.core.common.config.OrdersProcessingConfiguration;
import exchange.core2.core.common.config.PerformanceConfiguration;
import exchange.core2.core.common.config.ReportsQueriesConfiguration;
import exchange.core2.core.common.config.SerializationConfiguration;
import exchange.core2.core.orderbook.IOrderBook;
import exchange.core2.core.orderbook.OrderBookDirectImpl;
import exchange.core2.core.orderbook.OrderBookEventsHelper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

public final class FlowExchangeCore {
  static final int ADD = 0, CANCEL = 1, SYMBOL = 1, MONEY = 10, SHARES = 11, USERS = 64;
  static final long HIGHEST = 1_000_000, LOTS = 1_000_000_000L;

  static final class Totals {
    long trades, volume, live;

    void count(OrderCommand command) {
      for (MatcherTradeEvent event = command.matcherEvent; event != null; event = event.nextEvent) {
        if (event.eventType == MatcherEventType.TRADE) {
          trades++;
          volume += event.size;
        }
      }
    }
  }

  static long[][] read(String path, int count) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(path)));
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    long[][] rows = new long[count][5];
    for (long[] row : rows) for (int at = 0; at < 5; at++) row[at] = bytes.getLong();
    return rows;
  }

  static CoreSymbolSpecification symbol() {
    return CoreSymbolSpecification.builder().symbolId(SYMBOL)
        .type(SymbolType.CURRENCY_EXCHANGE_PAIR).baseCurrency(SHARES).quoteCurrency(MONEY)
        .baseScaleK(1).quoteScaleK(1).takerFee(2).makerFee(1).build();
  }

  static OrderAction side(long[] row) {
    return row[2] == 0 ? OrderAction.BID : OrderAction.ASK;
  }

  /** A market order is one at a price that is always good enough, and whose rest is canceled. */
  static long price(long[] row) {
    return row[0] == ADD ? row[3] : row[2] == 0 ? HIGHEST : 1;
  }

  static OrderType type(long[] row) {
    return row[0] == ADD ? OrderType.GTC : OrderType.IOC;
  }

  static double book(long[][] rows, Totals totals) {
    OrderCommand[] commands = new OrderCommand[rows.length];
    for (int at = 0; at < rows.length; at++) {
      long[] row = rows[at];
      commands[at] = row[0] == CANCEL
          ? OrderCommand.cancel(row[1], 1)
          : OrderCommand.newOrder(type(row), row[1], 1, price(row), HIGHEST, row[4], side(row));
      commands[at].command =
          row[0] == CANCEL ? OrderCommandType.CANCEL_ORDER : OrderCommandType.PLACE_ORDER;
      commands[at].symbol = SYMBOL;
    }
    IOrderBook book = new OrderBookDirectImpl(symbol(), ObjectsPool.createDefaultTestPool(),
        OrderBookEventsHelper.NON_POOLED_EVENTS_HELPER, LoggingConfiguration.DEFAULT);
    long start = System.nanoTime();
    for (OrderCommand command : commands) {
      IOrderBook.processCommand(book, command);
      totals.count(command);
    }
    long taken = System.nanoTime() - start;
    totals.live = book.getOrdersNum(OrderAction.BID) + book.getOrdersNum(OrderAction.ASK);
    return taken / 1e9;
  }

  static ApiCommand command(long[] row) {
    long user = row[1] % USERS + 1;
    if (row[0] == CANCEL) {
      return ApiCancelOrder.builder().orderId(row[1]).uid(user).symbol(SYMBOL).build();
    }
    return ApiPlaceOrder.builder().uid(user).orderId(row[1]).price(price(row))
        .reservePrice(HIGHEST).size(row[4]).action(side(row)).orderType(type(row)).symbol(SYMBOL)
        .build();
  }

  static void stock(ExchangeApi api) throws Exception {
    must(api.submitBinaryDataAsync(new BatchAddSymbolsCommand(symbol())).get());
    long transaction = 0;
    for (long user = 1; user <= USERS; user++) {
      must(api.submitCommandAsync(ApiAddUser.builder().uid(user).build()).get());
      for (int currency : new int[] {MONEY, SHARES}) {
        long amount = currency == SHARES ? LOTS : LOTS * HIGHEST;
        must(api.submitCommandAsync(ApiAdjustUserBalance.builder().uid(user).currency(currency)
            .amount(amount).transactionId(++transaction).build()).get());
      }
    }
  }

  static void must(CommandResultCode code) {
    if (code != CommandResultCode.SUCCESS && code != CommandResultCode.ACCEPTED) {
      throw new IllegalStateException("refused: " + code);
    }
  }

  static double world(long[][] rows, Totals totals) throws Exception {
    ApiCommand[] commands = new ApiCommand[rows.length];
    for (int at = 0; at < rows.length; at++) commands[at] = command(rows[at]);
    CountDownLatch left = new CountDownLatch(rows.length);
    ExchangeApi[] of = new ExchangeApi[1];
    // With few cores its stages have to share them: none may spin or keep a core to itself.
    ExchangeConfiguration configuration = ExchangeConfiguration.defaultBuilder()
        .ordersProcessingCfg(OrdersProcessingConfiguration.DEFAULT)
        .initStateCfg(InitialStateConfiguration.CLEAN_TEST)
        .performanceCfg(PerformanceConfiguration.baseBuilder()
            .orderBookFactory(OrderBookDirectImpl::new).ringBufferSize(64 * 1024)
            .waitStrategy(CoreWaitStrategy.BLOCKING).build())
        .reportsQueriesCfg(ReportsQueriesConfiguration.DEFAULT)
        .loggingCfg(LoggingConfiguration.DEFAULT)
        .serializationCfg(SerializationConfiguration.DEFAULT).build();
    ExchangeCore core = ExchangeCore.builder().exchangeConfiguration(configuration)
        .resultsConsumer((result, sequence) -> {
          of[0].processResult(sequence, result);
          boolean isFlow = result.command == OrderCommandType.PLACE_ORDER
              || result.command == OrderCommandType.CANCEL_ORDER;
          if (isFlow) {
            must(result.resultCode);
            totals.count(result);
            left.countDown();
          }
        }).build();
    core.startup();
    ExchangeApi api = of[0] = core.getApi();
    stock(api);
    long start = System.nanoTime();
    for (ApiCommand command : commands) api.submitCommand(command);
    left.await();
    long taken = System.nanoTime() - start;
    L2MarketData market = api.requestOrderBookAsync(SYMBOL, Integer.MAX_VALUE).get();
    for (int at = 0; at < market.askSize; at++) totals.live += market.askOrders[at];
    for (int at = 0; at < market.bidSize; at++) totals.live += market.bidOrders[at];
    core.shutdown();
    return taken / 1e9;
  }

  public static void main(String[] words) throws Exception {
    long[][] rows = read(words[0], Integer.parseInt(words[1]));
    for (int left = Integer.parseInt(words[2]); left > 0; left--) {
      Totals totals = new Totals();
      double seconds = words[3].equals("book") ? book(rows, totals) : world(rows, totals);
      System.out.printf("run %.9f %d %d %d%n", seconds, totals.trades, totals.volume, totals.live);
    }
    System.exit(0);
  }
}
