package billing

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"clinic/internal/house"
	"clinic/internal/outside"
)

// filesOfUnit is what the unit file of the clinic allows.
const filesOfUnit = 1024

// asInProduction limits the files as the unit file does.
func asInProduction() (restore func(), err error) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return nil, err
	}
	limit := before
	limit.Cur = min(filesOfUnit, before.Cur)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	return func() { syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) }, nil
}

// outgoing are the clients of notices.
type outgoing struct {
	mu   sync.Mutex
	used []*http.Transport
}

// notify sends a notice by a client of its own.
func (o *outgoing) notify(url string) error {
	transport := &http.Transport{}
	o.mu.Lock()
	o.used = append(o.used, transport)
	o.mu.Unlock()
	response, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func (o *outgoing) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, transport := range o.used {
		transport.CloseIdleConnections()
	}
	o.used = nil
}

// notices has been sending for some time, and sends one more at some visits.
func notices(h *house.House, size house.Size) (func(), error) {
	restore, err := asInProduction()
	if err != nil {
		return nil, err
	}
	o, url := &outgoing{}, h.Outside.Partners+"/notices"
	for range house.Of(size, 600, 800, 1000) {
		o.notify(url)
	}
	every := house.Of[uint64](size, 4, 2, 1)
	remove := h.EachVisit(func(_ context.Context, visit house.Visit) error {
		if visit.Number%every != 0 {
			return nil
		}
		return o.notify(url)
	})
	return house.All(o.close, restore, remove), nil
}

// line is where other houses call with referrals.
type line struct {
	net.Listener
	mu      sync.Mutex
	callers []net.Conn
	heard   int
}

func (l *line) answer(context.Context) {
	for {
		conn, err := l.Accept()
		if e, ok := err.(net.Error); ok && e.Temporary() { // no more files: later, perhaps
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err != nil {
			return
		}
		l.mu.Lock()
		l.callers = append(l.callers, conn)
		l.mu.Unlock()
		go l.hear(conn)
	}
}

// hear takes down what a caller says.
func (l *line) hear(caller io.Reader) {
	for said := bufio.NewScanner(caller); said.Scan(); {
		l.mu.Lock()
		l.heard++
		l.mu.Unlock()
	}
}

func (l *line) close() {
	l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, caller := range l.callers {
		caller.Close()
	}
}

func referrals(h *house.House, size house.Size) (func(), error) {
	restore, err := asInProduction()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	open := &line{Listener: listener}
	dismiss := house.Employ(1, open.answer)
	leave, err := h.Invite("referrals", outside.Crowd{
		Kind: "callers", At: listener.Addr().String(),
		Count: house.Of(size, 600, 800, 1100), Rate: house.Of(size, 5, 10, 20),
	})
	return house.All(dismiss, open.close, leave, restore), err
}

// couriers call on connections that they close.
func couriers(h *house.House, size house.Size) (func(), error) {
	gap := house.Of[time.Duration](size, 200, 100, 50) * time.Millisecond
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	return house.Employ(1, house.Paced(gap, func(ctx context.Context) {
		outside.Visit(ctx, client, h.Outside.Partners+"/samples")
	})), nil
}
