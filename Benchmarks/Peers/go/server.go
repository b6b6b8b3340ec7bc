// The task's server in Go, with Google's protobuf, as a peer for benchmarks.
//
// A goroutine a connection, on one processor (GOMAXPROCS=1). The answers to one read are written
// together.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"testtask/messages"
)

const (
	maximumFrameLength  = 65536
	maximumPrefixLength = 5
	// Grows to hold a frame, or when a client fills it in one read.
	initialBufferSize = 1024
)

var errViolation = errors.New("violation")

var clientCount int32

// The local time to the millisecond and its text, made once a millisecond.
type stamp struct {
	millisecond int64
	text        string
}

var lastStamp atomic.Pointer[stamp]

func timestamp() *string {
	now := time.Now()
	millisecond := now.UnixMilli()
	last := lastStamp.Load()
	if last == nil || last.millisecond != millisecond {
		last = &stamp{millisecond, now.Format("20060102T150405.000")}
		lastStamp.Store(last)
	}
	return &last.text
}

type connection struct {
	socket net.Conn
	// Guards the timers: their goroutines take themselves out.
	lock     sync.Mutex
	sleeping map[*time.Timer]struct{}

	// For the reading goroutine only.
	request messages.WrapperMessage
	fast    messages.WrapperMessage
	output  []byte
}

func (c *connection) serve() {
	atomic.AddInt32(&clientCount, 1)
	defer c.close()
	c.fast.FastResponse = &messages.FastResponse{}
	input := make([]byte, initialBufferSize)
	filled := 0
	for {
		count, err := c.socket.Read(input[filled:])
		if err != nil {
			return
		}
		filled += count
		consumed, err := c.decodeFrames(input[:filled])
		if len(c.output) > 0 {
			if !c.write(c.output) {
				return
			}
			c.output = c.output[:0]
		}
		if err != nil {
			return
		}
		if filled == len(input) && len(input) < maximumPrefixLength+maximumFrameLength {
			larger := make([]byte, 2*len(input))
			filled = copy(larger, input[consumed:filled])
			input = larger
		} else {
			filled = copy(input, input[consumed:filled])
		}
	}
}

// decodeFrames answers each whole frame and says how many bytes they were.
func (c *connection) decodeFrames(bytes []byte) (int, error) {
	consumed := 0
	for {
		length, prefix, err := decodePrefix(bytes[consumed:])
		if err != nil || length > maximumFrameLength {
			return consumed, errViolation
		}
		end := consumed + prefix + int(length)
		if prefix == 0 || end > len(bytes) {
			return consumed, nil
		}
		if err := c.answer(bytes[consumed+prefix : end]); err != nil {
			return consumed, err
		}
		consumed = end
	}
}

// decodePrefix returns a frame's length and its prefix's, 0 and 0 while that is incomplete.
func decodePrefix(bytes []byte) (uint32, int, error) {
	var value uint32
	for index, b := range bytes {
		if index == 4 && b > 0x0F {
			return 0, 0, errViolation
		}
		value |= uint32(b&0x7F) << (7 * index)
		if b < 0x80 {
			return value, index + 1, nil
		}
	}
	return 0, 0, nil
}

func (c *connection) answer(payload []byte) error {
	request := &c.request
	if err := proto.Unmarshal(payload, request); err != nil {
		return err
	}
	isFast, isSlow := request.RequestForFastResponse != nil, request.RequestForSlowResponse != nil
	if isFast == isSlow || request.FastResponse != nil || request.SlowResponse != nil {
		return errViolation
	}
	if isSlow {
		c.sleep(request.RequestForSlowResponse.GetTimeInSecondsToSleep())
		return nil
	}
	c.fast.FastResponse.CurrentDateTime = timestamp()
	c.output = appendFrame(c.output, &c.fast)
	return nil
}

func appendFrame(output []byte, message *messages.WrapperMessage) []byte {
	output = protowire.AppendVarint(output, uint64(proto.Size(message)))
	// Cannot fail: the message has all that it must have.
	output, _ = proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(output, message)
	return output
}

func (c *connection) sleep(seconds uint32) {
	clients := uint32(atomic.LoadInt32(&clientCount))
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.sleeping == nil {
		c.sleeping = make(map[*time.Timer]struct{})
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		c.lock.Lock()
		delete(c.sleeping, timer)
		c.lock.Unlock()
		c.write(appendFrame(nil, &messages.WrapperMessage{
			SlowResponse: &messages.SlowResponse{ConnectedClientCount: &clients},
		}))
	})
	c.sleeping[timer] = struct{}{}
}

// write sends bytes; false when the connection is over.
func (c *connection) write(bytes []byte) bool {
	// The socket has a lock of its own for writers.
	_, err := c.socket.Write(bytes)
	return err == nil
}

func (c *connection) close() {
	c.socket.Close()
	atomic.AddInt32(&clientCount, -1)
	c.lock.Lock()
	defer c.lock.Unlock()
	for timer := range c.sleeping {
		timer.Stop()
	}
	c.sleeping = nil
}

func main() {
	port := flag.Int("port", 0, "the port to listen on; 0 is any")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "listening address=127.0.0.1 port=%d\n",
		listener.Addr().(*net.TCPAddr).Port)
	for {
		// Go sets TCP_NODELAY by itself.
		socket, err := listener.Accept()
		if err != nil {
			// Such as too many open files; it may pass.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go (&connection{socket: socket}).serve()
	}
}
