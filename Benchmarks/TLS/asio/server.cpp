// A TLS server on Boost.Asio and OpenSSL, for Benchmarks/tls:   tls-asio PORT CERTIFICATE KEY
//
// The first byte of a connection says what is done with the rest: e sends it back, d drops it, s sends
// for ever.
#include <array>
// Boost 1.74 uses it and does not include it.
#include <utility>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

const std::vector<char> block(65536, 'x');

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  void start() {
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](auto error) {
      if (!error) self->read_kind();
    });
  }

 private:
  void read_kind() {
    stream_.async_read_some(asio::buffer(buffer_, 1), [self = shared_from_this()](auto error, std::size_t) {
      if (error) return self->leave(error);
      switch (self->buffer_[0]) {
        case 'e': return self->echo();
        case 'd': return self->discard();
        case 's': return self->send();
      }
    });
  }

  void echo() {
    stream_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto error, std::size_t count) {
      if (error) return self->leave(error);
      asio::async_write(self->stream_, asio::buffer(self->buffer_, count), [self](auto error, std::size_t) {
        if (!error) self->echo();
      });
    });
  }

  void discard() {
    stream_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto error, std::size_t) {
      if (error) return self->leave(error);
      self->discard();
    });
  }

  void send() {
    asio::async_write(stream_, asio::buffer(block), [self = shared_from_this()](auto error, std::size_t) {
      if (!error) self->send();
    });
  }

  void leave(boost::system::error_code error) {
    if (error != asio::error::eof) return;
    // The peer's close_notify: ours goes back.
    stream_.async_shutdown([self = shared_from_this()](auto) {});
  }

  asio::ssl::stream<tcp::socket> stream_;
  // What one record holds at most.
  std::array<char, 16384> buffer_;
};

void accept(tcp::acceptor& acceptor, asio::ssl::context& context) {
  acceptor.async_accept([&](auto error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Connection>(std::move(socket), context)->start();
    }
    accept(acceptor, context);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  asio::io_context io(1);
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  context.use_certificate_chain_file(argv[2]);
  context.use_private_key_file(argv[3], asio::ssl::context::pem);
  // What the session's identity is checked by when it is resumed.
  SSL_CTX_set_session_id_context(context.native_handle(), reinterpret_cast<const unsigned char*>("asio"), 4);

  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), std::atoi(argv[1])));
  acceptor.listen(4096);
  std::fprintf(stderr, "listening address=127.0.0.1 port=%d\n", acceptor.local_endpoint().port());
  accept(acceptor, context);
  asio::signal_set signals(io, SIGTERM);
  signals.async_wait([&](auto, int) { io.stop(); });
  io.run();
}
