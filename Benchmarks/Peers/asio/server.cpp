// The task's server on Boost.Asio and Google's protobuf, as a peer for benchmarks.
//
// One thread, and asio told so: no locks, and concrete executors where type erasure would cost.
// Messages and buffers are reused. The answers to one read are sent at once, and only what the
// kernel does not take is left to an asynchronous write.

#include <google/protobuf/io/coded_stream.h>

#include <boost/asio.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "messages.pb.h"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using google::protobuf::io::CodedOutputStream;

using Executor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr std::size_t kMaximumFrameLength = 65536;
constexpr std::size_t kMaximumPrefixLength = 5;
// Grows to hold a frame, or when a client fills it in one read.
constexpr std::size_t kInitialBufferSize = 1024;
constexpr std::size_t kMaximumBufferSize = kMaximumPrefixLength + kMaximumFrameLength;

// The local time as 19 characters. The time zone is asked once a second.
class Timestamp {
 public:
  void AssignTo(std::string* text) {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second_) {
      second_ = now.tv_sec;
      tm fields;
      localtime_r(&now.tv_sec, &fields);
      std::strftime(text_, sizeof text_, "%Y%m%dT%H%M%S.", &fields);
    }
    const int millisecond = static_cast<int>(now.tv_nsec / 1000000);
    text_[16] = static_cast<char>('0' + millisecond / 100);
    text_[17] = static_cast<char>('0' + millisecond / 10 % 10);
    text_[18] = static_cast<char>('0' + millisecond % 10);
    text->assign(text_, 19);
  }

 private:
  std::time_t second_ = -1;
  char text_[20] = {};
};

// What all connections of the server share.
struct Server {
  TestTask::Messages::WrapperMessage request;
  TestTask::Messages::WrapperMessage fast_answer;
  TestTask::Messages::WrapperMessage slow_answer;
  Timestamp timestamp;
  std::uint32_t client_count = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, Socket socket)
      : server_(server), socket_(std::move(socket)), input_(kInitialBufferSize) {
    ++server_.client_count;
  }

  void Start() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    Read();
  }

 private:
  void Read() {
    socket_.async_read_some(
        asio::buffer(input_.data() + filled_, input_.size() - filled_),
        [self = shared_from_this()](const error_code& error, std::size_t count) {
          self->DidRead(error, count);
        });
  }

  void DidRead(const error_code& error, std::size_t count) {
    if (!is_open_) return;
    if (error) return Close();
    filled_ += count;
    const bool was_full = filled_ == input_.size();
    const bool is_valid = DecodeFrames();
    Flush();
    if (!is_valid) return Close();
    if (!is_open_) return;
    if (was_full && input_.size() < kMaximumBufferSize) {
      input_.resize(std::min(2 * input_.size(), kMaximumBufferSize));
    }
    // A client that does not take its answers is not read from.
    if (!is_writing_) Read();
  }

  // Answers each whole frame and keeps the rest; false after a violation.
  bool DecodeFrames() {
    const std::uint8_t* position = input_.data();
    const std::uint8_t* const end = position + filled_;
    bool is_valid = true;
    while (is_valid) {
      std::uint32_t length;
      const int prefix = DecodePrefix(position, end, &length);
      if (prefix < 0 || (prefix > 0 && length > kMaximumFrameLength)) return false;
      if (prefix == 0 || length > static_cast<std::size_t>(end - position - prefix)) break;
      is_valid = Answer(position + prefix, length);
      position += prefix + length;
    }
    filled_ = static_cast<std::size_t>(end - position);
    if (filled_ > 0) std::memmove(input_.data(), position, filled_);
    return is_valid;
  }

  // Returns the prefix's length, 0 while it is incomplete, -1 when it is malformed.
  static int DecodePrefix(const std::uint8_t* bytes, const std::uint8_t* end,
                          std::uint32_t* value) {
    if (bytes != end && bytes[0] < 0x80) {
      *value = bytes[0];
      return 1;
    }
    std::uint32_t result = 0;
    for (int index = 0; index < 5 && bytes + index < end; ++index) {
      const std::uint8_t byte = bytes[index];
      if (index == 4 && byte > 0x0F) return -1;
      result |= static_cast<std::uint32_t>(byte & 0x7F) << (7 * index);
      if (byte < 0x80) {
        *value = result;
        return index + 1;
      }
    }
    return 0;
  }

  bool Answer(const std::uint8_t* payload, std::size_t length) {
    auto& request = server_.request;
    if (!request.ParseFromArray(payload, static_cast<int>(length))) return false;
    if (request.has_fast_response() || request.has_slow_response()) return false;
    const bool is_fast = request.has_request_for_fast_response();
    if (is_fast == request.has_request_for_slow_response()) return false;
    if (is_fast) {
      auto* answer = server_.fast_answer.mutable_fast_response();
      server_.timestamp.AssignTo(answer->mutable_current_date_time());
      Append(server_.fast_answer);
    } else {
      Sleep(request.request_for_slow_response().time_in_seconds_to_sleep());
    }
    return true;
  }

  void Sleep(std::uint32_t seconds) {
    sleeping_.emplace_front(socket_.get_executor(), Clock::now() + std::chrono::seconds(seconds));
    sleeping_.front().async_wait(
        [self = shared_from_this(), timer = sleeping_.begin(),
         clients = server_.client_count](const error_code& error) {
          if (error || !self->is_open_) return;
          self->sleeping_.erase(timer);
          self->server_.slow_answer.mutable_slow_response()->set_connected_client_count(clients);
          self->Append(self->server_.slow_answer);
          self->Flush();
        });
  }

  void Append(const TestTask::Messages::WrapperMessage& message) {
    const std::size_t length = message.ByteSizeLong();
    const std::size_t start = output_.size();
    output_.resize(start + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(length)) +
                   length);
    message.SerializeWithCachedSizesToArray(CodedOutputStream::WriteVarint32ToArray(
        static_cast<std::uint32_t>(length), output_.data() + start));
  }

  void Flush() {
    if (is_writing_ || output_.empty()) return;
    error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(output_), error);
    if (error && error != asio::error::would_block) return Close();
    if (sent == output_.size()) return output_.clear();
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent));
    in_flight_.swap(output_);
    is_writing_ = true;
    asio::async_write(socket_, asio::buffer(in_flight_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->DidWrite(error);
                      });
  }

  void DidWrite(const error_code& error) {
    if (!is_open_) return;
    if (error) return Close();
    is_writing_ = false;
    in_flight_.clear();
    Flush();
    if (is_open_ && !is_writing_) Read();
  }

  void Close() {
    if (!is_open_) return;
    is_open_ = false;
    --server_.client_count;
    sleeping_.clear();
    error_code ignored;
    socket_.close(ignored);
  }

  Server& server_;
  Socket socket_;
  std::vector<std::uint8_t> input_;
  std::size_t filled_ = 0;
  std::vector<std::uint8_t> output_;
  std::vector<std::uint8_t> in_flight_;
  std::list<Timer> sleeping_;
  bool is_writing_ = false;
  bool is_open_ = true;
};

void Accept(Server& server, Acceptor& acceptor) {
  acceptor.async_accept([&](const error_code& error, Socket socket) {
    if (!error) std::make_shared<Connection>(server, std::move(socket))->Start();
    Accept(server, acceptor);
  });
}

int main(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--port") != 0) {
    std::fprintf(stderr, "usage: %s --port N\n", argv[0]);
    return 64;
  }
  try {
    asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
    const auto port = static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10));
    Acceptor acceptor(context.get_executor());
    acceptor.open(tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    // Linux's connections inherit it from the listening socket: no system call for each.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    acceptor.listen(4096);
    Server server;
    Accept(server, acceptor);
    std::fprintf(stderr, "listening address=127.0.0.1 port=%u\n",
                 unsigned{acceptor.local_endpoint().port()});
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
