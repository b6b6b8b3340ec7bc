internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension UDPSocket {
  /// Receives what is sent to a multicast group (RFC 1112, RFC 3810).
  ///
  /// - Parameters:
  ///   - group: The group's address, such as `239.1.2.3` or `ff02::1234`.
  ///   - interface: The name of the network interface to listen on, such as `eth0`; `nil` for the
  ///     system's choice.
  ///   - source: If given, only what this address sends to the group is received (RFC 4607).
  /// - Throws: ``UVError/Code/invalidArgument`` for what is no multicast group;
  ///   ``UVError/Code/noSuchDevice`` for an unknown interface; ``UVError/Code/addressInUse`` for a
  ///   group that was joined before.
  public func joinGroup(
    _ group: IPAddress, interface: String? = nil, source: IPAddress? = nil
  ) throws(UVError) {
    try changeMembership(true, group, interface, source)
  }

  /// Ends what ``joinGroup(_:interface:source:)`` has begun, with the same arguments.
  ///
  /// - Parameters:
  ///   - group: The group's address.
  ///   - interface: The name of the network interface.
  ///   - source: The source, where it was joined with one.
  /// - Throws: ``UVError/Code/addressNotAvailable`` for a group that was not joined.
  public func leaveGroup(
    _ group: IPAddress, interface: String? = nil, source: IPAddress? = nil
  ) throws(UVError) {
    try changeMembership(false, group, interface, source)
  }

  /// Chooses the network interface that datagrams to multicast groups leave by.
  ///
  /// - Parameter interface: Its name; `nil` for the system's choice.
  /// - Throws: ``UVError/Code/noSuchDevice`` for an unknown interface.
  public func setMulticastInterface(_ interface: String?) throws(UVError) {
    try checkBeforeChange(.setOption)
    let index = try index(of: interface)
    for family in families {
      let status = cuv_multicast_interface(socket, family, index)
      guard status == 0 else { throw UVError(status, .setOption) }
    }
  }

  /// Sets whether this machine receives its own multicast datagrams; by default it does.
  ///
  /// - Parameter enabled: Whether it receives them.
  /// - Throws: The system's error.
  public func setMulticastLoopback(_ enabled: Bool) throws(UVError) {
    try checkBeforeChange(.setOption)
    try set(enabled ? 1 : 0, ipv6: .multicastLoopIPv6, ipv4: .multicastLoop)
  }

  /// Sets how many routers a multicast datagram may pass; by default 1, this network only.
  ///
  /// - Parameter hops: 0 … 255; 0 keeps them on this machine.
  /// - Throws: ``UVError/Code/invalidArgument`` out of this range.
  public func setMulticastTimeToLive(_ hops: Int) throws(UVError) {
    try setHops(hops, from: 0, ipv6: .multicastHopsIPv6, ipv4: .multicastTimeToLive)
  }

  /// Sets how many routers a datagram to one receiver may pass.
  ///
  /// - Parameter hops: 1 … 255.
  /// - Throws: ``UVError/Code/invalidArgument`` out of this range.
  public func setTimeToLive(_ hops: Int) throws(UVError) {
    try setHops(hops, from: 1, ipv6: .unicastHopsIPv6, ipv4: .timeToLive)
  }

  /// Sets whether sending to a broadcast address is allowed (SO_BROADCAST).
  ///
  /// - Parameter enabled: Whether it is.
  /// - Throws: The system's error.
  public func setBroadcast(_ enabled: Bool) throws(UVError) {
    try checkBeforeChange(.setOption)
    try SocketOption.broadcast.set(enabled ? 1 : 0, on: socket)
  }

  /// The families that the socket sends with.
  ///
  /// A socket at `::` sends to IPv4, too, and on Linux has IPv4's options for that.
  private var families: [Int32] {
    guard isIPv6 else { return [AF_INET] }
    #if os(Linux)
      return [AF_INET6, AF_INET]
    #else
      return [AF_INET6]
    #endif
  }

  private func set(_ value: Int, ipv6: SocketOption, ipv4: SocketOption) throws(UVError) {
    for family in families { try (family == AF_INET ? ipv4 : ipv6).set(value, on: socket) }
  }

  private func setHops(
    _ hops: Int, from least: Int, ipv6: SocketOption, ipv4: SocketOption
  ) throws(UVError) {
    try checkBeforeChange(.setOption)
    guard (least...255).contains(hops) else {
      throw UVError(
        .invalidArgument, during: .setOption, detail: "\(hops) hops are not in \(least) … 255")
    }
    try set(hops, ipv6: ipv6, ipv4: ipv4)
  }

  private func index(of interface: String?) throws(UVError) -> UInt32 {
    guard let interface else { return 0 }
    let index = unsafe if_nametoindex(interface)
    guard index != 0 else {
      throw UVError(.noSuchDevice, during: .setOption, detail: "no interface \"\(interface)\"")
    }
    return index
  }

  private func changeMembership(
    _ join: Bool, _ group: IPAddress, _ interface: String?, _ source: IPAddress?
  ) throws(UVError) {
    try checkBeforeChange(.setOption)
    guard group.isMulticast, source.map({ $0.isIPv6 == group.isIPv6 }) ?? true else {
      throw UVError(
        .invalidArgument, during: .setOption,
        detail: group.isMulticast
          ? "the source is of another family" : "\(group) is no multicast group")
    }
    let index = try index(of: interface)
    let descriptor = socket
    let family = group.isIPv6 ? AF_INET6 : AF_INET
    let status = unsafe SocketAddress(group, port: 0).withSockaddr { group, size in
      guard let source else {
        return unsafe cuv_multicast_membership(
          descriptor, family, join ? 1 : 0, index, group, size, nil)
      }
      return unsafe SocketAddress(source, port: 0).withSockaddr { source in
        unsafe cuv_multicast_membership(
          descriptor, family, join ? 1 : 0, index, group, size, source)
      }
    }
    guard status == 0 else { throw UVError(status, .setOption) }
  }
}
