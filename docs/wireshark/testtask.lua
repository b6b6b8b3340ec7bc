-- Wireshark's dissector for this protocol: cuts a TCP stream into frames (a Varint32 length, then so
-- many bytes) and leaves each message to Wireshark's own protobuf dissector. docs/protocol.md has the
-- recipe.

local testtask = Proto("testtask", "Test task")
local length_field = ProtoField.uint32("testtask.length", "Length")
local malformed = ProtoExpert.new(
  "testtask.malformed", "Malformed length prefix", expert.group.MALFORMED, expert.severity.ERROR)
testtask.fields = { length_field }
testtask.experts = { malformed }
testtask.prefs.ports = Pref.range("TCP ports", "25555", "Ports of testtask-server", 65535)

local protobuf = Dissector.get("protobuf")
local message = "message,TestTask.Messages.WrapperMessage"

-- The length that stands at an offset and the number of bytes that it takes; nil and 0 when more has
-- to come, nil and 1 when it is no length: more than five bytes, or more than 32 bits.
local function read_prefix(buffer, offset)
  local length, unit = 0, 1
  for count = 1, 5 do
    if offset + count > buffer:len() then return nil, 0 end
    local byte = buffer(offset + count - 1, 1):uint()
    if count == 5 and byte > 0x0F then return nil, 1 end
    length = length + (byte % 0x80) * unit
    unit = unit * 0x80
    if byte < 0x80 then return length, count end
  end
  return nil, 1
end

function testtask.dissector(buffer, packet, tree)
  packet.cols.protocol = "TestTask"
  local offset = 0
  while offset < buffer:len() do
    local length, size = read_prefix(buffer, offset)
    if not length and size == 1 then
      tree:add(testtask, buffer(offset)):add_proto_expert_info(malformed)
      return buffer:len()
    end
    local missing = length and offset + size + length - buffer:len()
    if not length or missing > 0 then
      packet.desegment_offset = offset
      packet.desegment_len = missing or DESEGMENT_ONE_MORE_SEGMENT
      return buffer:len()
    end
    local branch = tree:add(testtask, buffer(offset, size + length))
    branch:add(length_field, buffer(offset, size), length)
    if length > 0 then
      packet.private["pb_msg_type"] = message
      protobuf:call(buffer(offset + size, length):tvb(), packet, branch)
    end
    offset = offset + size + length
  end
end

local ports = DissectorTable.get("tcp.port")
local known = testtask.prefs.ports
function testtask.prefs_changed()
  if known ~= testtask.prefs.ports then
    ports:remove(known, testtask)
    known = testtask.prefs.ports
    ports:add(known, testtask)
  end
end
ports:add(known, testtask)
