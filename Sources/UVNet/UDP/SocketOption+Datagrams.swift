internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension SocketOption {
  private static let ip = Int32(IPPROTO_IP)
  private static let ipv6 = Int32(IPPROTO_IPV6)

  static let timeToLive = SocketOption(label: "IP_TTL", level: ip, name: IP_TTL)
  static let unicastHopsIPv6 = SocketOption(
    label: "IPV6_UNICAST_HOPS", level: ipv6, name: IPV6_UNICAST_HOPS)
  static let multicastTimeToLive = SocketOption(
    label: "IP_MULTICAST_TTL", level: ip, name: IP_MULTICAST_TTL)
  static let multicastHopsIPv6 = SocketOption(
    label: "IPV6_MULTICAST_HOPS", level: ipv6, name: IPV6_MULTICAST_HOPS)
  static let multicastLoop = SocketOption(
    label: "IP_MULTICAST_LOOP", level: ip, name: IP_MULTICAST_LOOP)
  static let multicastLoopIPv6 = SocketOption(
    label: "IPV6_MULTICAST_LOOP", level: ipv6, name: IPV6_MULTICAST_LOOP)
}
