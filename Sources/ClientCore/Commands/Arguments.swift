/// What the arguments of one command say, each in its own type.
struct Arguments {
  var milliseconds: UInt64 = 0
  var wholeSeconds: UInt32 = 0
  var duration = Duration.zero
  var target: Target?
  var port = Target.defaultPort
  var text = ""
}
