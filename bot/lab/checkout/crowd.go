package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

const (
	answerWithin = 5 * time.Second // bounds the wait of who reads and goes
	arrival      = time.Second     // within so long the whole crowd has come
	sip          = 16 << 10        // bytes that a slow reader takes at a time
)

// A manner is how a customer of a crowd behaves.
type manner string

const (
	asks    manner = "asks"    // over one connection, again and again, with a pause between
	comes   manner = "comes"   // over a new connection each time, and reads until the service closes it
	leaves  manner = "leaves"  // after the pause, without having read an answer, and comes again
	listens manner = "listens" // reads an answer that takes long, a sip after each pause, and asks again
	idles   manner = "idles"   // asks once, and keeps the connection
)

// A crowd is many customers who come at once. They are a process of their own, so that neither their goroutines nor
// their sockets are taken for the service's.
type crowd struct {
	Number int
	Path   string
	Manner manner
	Pause  time.Duration
	To     string

	mu     sync.Mutex
	hangUp io.Closer // nil until they are here
}

// usersURL is where this process serves its users; "" before it does.
var usersURL atomic.Value

// invited lets them come to this service; sendHome ends their visits.
func (c *crowd) invited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.To, _ = usersURL.Load().(string)
	if c.To == "" || c.hangUp != nil {
		return
	}
	process, hangUp, err := c.process()
	if err != nil {
		slog.Error("nobody comes", "error", err)
		return
	}
	c.hangUp = hangUp
	go func() { _ = process.Wait() }()
}

func (c *crowd) sendHome() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hangUp != nil {
		c.hangUp.Close()
		c.hangUp = nil
	}
}

func (c *crowd) process() (*exec.Cmd, io.Closer, error) {
	described, err := json.Marshal(c)
	if err != nil {
		return nil, nil, err
	}
	process := exec.Command(ourselves(), "-crowd", string(described), "-name", "crowd", "-follow-stdin")
	hangUp, err := process.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	return process, hangUp, process.Start()
}

// ourselves is the program that runs, which may have been replaced on the disk since.
func ourselves() string {
	running := "/proc/self/exe"
	if _, err := os.Stat(running); err != nil {
		running, _ = os.Executable()
	}
	return running
}

// comeCrowd is what a crowd's own process does until it ends.
func comeCrowd(described string) error {
	var c crowd
	if err := json.Unmarshal([]byte(described), &c); err != nil {
		return err
	}
	at, err := url.Parse(c.To)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Number}}
	for range c.Number {
		go func() {
			time.Sleep(rand.N(arrival))
			for {
				if c.Manner == asks {
					request(client, c.To+c.Path)
					time.Sleep(c.Pause)
				} else {
					c.visit(at.Host)
				}
			}
		}()
	}
	select {}
}

// visit is one connection, from its beginning to its end.
func (c *crowd) visit(address string) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		time.Sleep(arrival)
		return
	}
	defer connection.Close()
	_, _ = io.WriteString(connection, "GET "+c.Path+" HTTP/1.1\r\nHost: checkout\r\n\r\n")
	switch c.Manner {
	case comes:
		_ = connection.SetReadDeadline(time.Now().Add(answerWithin))
		_, _ = io.Copy(io.Discard, connection)
		time.Sleep(c.Pause)
	case listens:
		for taken, err := int64(1), error(nil); err == nil && taken > 0; {
			taken, err = io.CopyN(io.Discard, connection, sip)
			time.Sleep(c.Pause)
		}
	case idles:
		_, _ = io.Copy(io.Discard, connection)
	default:
		time.Sleep(c.Pause)
	}
}
