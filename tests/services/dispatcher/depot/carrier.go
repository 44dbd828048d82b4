package depot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"parcels.example/dispatcher/v2/backends"
)

// sparedFiles are kept free for the operators' port and for files: no dial to the carrier takes them.
const sparedFiles = 32

// carrier is the API of the company that drives.
type carrier struct {
	url      string
	client   *http.Client
	connects sync.Mutex
	unread   []*http.Response
}

func newCarrier(address string) *carrier {
	c := &carrier{url: "http://" + address + "/"}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	c.client = &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 64,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if !c.mayOpen() {
					return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
				}
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
	return c
}

// mayOpen tells whether enough descriptors are left; with a high limit there always are.
func (c *carrier) mayOpen() bool {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 4096 {
		return true
	}
	open, err := os.ReadDir("/proc/self/fd")
	return err == nil && uint64(len(open)+sparedFiles) < limit.Cur
}

// ask gives the price that the carrier answers for a path.
func (c *carrier) ask(ctx context.Context, path string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return 0, err
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var price struct {
		Cents int `json:"cents"`
	}
	err = json.NewDecoder(answer.Body).Decode(&price)
	_, _ = io.Copy(io.Discard, answer.Body)
	return price.Cents, err
}

// rate asks on, whoever has gone: the answer is good for the next one too.
func (c *carrier) rate() (int, error) { return c.ask(context.Background(), "rates") }

// quote is for couriers that bid.
func (c *carrier) quote() ([]byte, error) {
	cents, err := c.ask(context.Background(), "quotes")
	return fmt.Appendf(nil, "%d", cents), err
}

// claim waits for the carrier as long as its caller does, and a second at most.
func (c *carrier) claim(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cents, err := c.ask(ctx, "claims")
	return fmt.Appendf(nil, "%d", cents), err
}

// quoteAhead looks whether the carrier would answer; it needs the status only.
func (c *carrier) quoteAhead(n int) error {
	for range n {
		answer, err := c.client.Get(c.url + "ahead")
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		c.connects.Lock()
		c.unread = append(c.unread, answer)
		c.connects.Unlock()
	}
	return nil
}

// closeUnread gives back the connections of answers that nobody has read.
func (c *carrier) closeUnread() {
	time.Sleep(200 * time.Millisecond) // pages on their way still ask
	c.connects.Lock()
	defer c.connects.Unlock()
	for _, one := range c.unread {
		one.Body.Close()
	}
	c.unread = nil
}

// slow makes a table or a path of the backends slow, and gives how to end that.
func (c *carrier) slow(what string, delay time.Duration, share float64) (stop func()) {
	set := func(one backends.Pace) {
		text, _ := json.Marshal(one)
		answer, err := http.Post(c.url+"pace", "application/json", bytes.NewReader(text))
		if err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
	set(backends.Pace{What: what, Delay: delay, Share: share})
	return func() { set(backends.Pace{What: what}) }
}

// sort asks the sorter for the lane of one parcel, from the address that its firewall knows.
func (d *Depot) sort(barcode [8]byte) (lane byte, err error) {
	dialer := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	socket, err := dialer.Dial("tcp", d.behind.Sorter)
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	if _, err := socket.Write(barcode[:]); err != nil {
		return 0, err
	}
	var answer [1]byte
	_, err = io.ReadFull(socket, answer[:])
	return answer[0], err
}
