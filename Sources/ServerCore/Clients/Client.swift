/// One connected client: where reading its requests stands, and what the log will say of it.
struct Client {
  // What a request touches comes first, so that it shares a line of the processor's cache.
  var reader: RequestReader
  var requests: UInt64 = 0
  /// `conn` in the log, unique while the server runs; 0 at a place that nobody has.
  private(set) var number: UInt64
  var backpressure = Backpressure()
  /// The peer has ended its stream, and still gets something.
  var hasEnded = false
  /// What has to happen before it is served.
  var opening: Opening = []
  /// Sleeping requests that were dropped while it stayed.
  var dropped: UInt32 = 0
  /// Its place among the sleeping requests and in the table of clients.
  let owner: SleepQueue.Owner
  /// Its address, as the log has it.
  var peer: String
  /// The address of the proxy that passes it on, if one does.
  var proxy: String?
  /// Nanoseconds on the loop's clock.
  let connectedAt: UInt64
  var activity: ConnectionActivity

  @inline(__always)
  var isPresent: Bool { number != 0 }

  /// Stands at places that nobody has had yet.
  static let absent = Client(
    reader: RequestReader(maximumFrameBytes: 0), number: 0, owner: .none, peer: "",
    connectedAt: 0, activity: ConnectionActivity(at: 0))

  /// Leaves the place to nobody, and holds no memory any more.
  mutating func clear() {
    number = 0
    reader = RequestReader(maximumFrameBytes: 0)
    peer = ""
    proxy = nil
  }
}
