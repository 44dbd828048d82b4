package ops

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"acme.example/warehouse/internal/crowd"
	"acme.example/warehouse/internal/jobs"
	"acme.example/warehouse/internal/supplier"
)

// descriptors is what a container without its own setting often has.
const descriptors = 1024

// sockets is everything that happens to connections.
var sockets = []situation{
	{"export-pullers", "Exports are asked for and not read", "stalled-readers", crowdOf("sleepers", "/export?days=40",
		func(s Size) (int, int) { return pick(s, 60, 200, 600), 1 })},
	{"wallboards", "Wallboards have stopped reading their feed", "stalled-readers", wallboards},
	{"price-watch", "The price list is looked at and its body never closed, with 1024 descriptors", "socket-exhaustion", priceWatch},
	{"gate-bursts", "All gates ask the supplier at once and only two connections are kept", "socket-exhaustion", gateBursts},
	{"handheld-beeps", "Scanners with new firmware are never hung up on, with 1024 descriptors", "socket-exhaustion", handheldBeeps},
}

func wallboards(h *Hall, size Size) (func(), error) {
	tell := jobs.Every(8*time.Millisecond, 1, h.Stock.Tell(padding))
	end, err := h.visited("sleepers", "/feed", pick(size, 60, 200, 600), 1)
	return thenEnd(end, err, func() {
		tell()
		debug.FreeOSMemory()
	})
}

func priceWatch(h *Hall, size Size) (func(), error) {
	unlimited, err := limitDescriptors(descriptors)
	if err != nil {
		return nil, err
	}
	h.Desk.Supplier.Agree(supplier.Terms{Idle: 64})
	end := jobs.Every(pick[time.Duration](size, 30, 12, 3)*time.Millisecond, 1, h.Prices.Look)
	return func() {
		end()
		h.Prices.Forget()
		h.Desk.Supplier.Agree(supplier.Usual)
		unlimited()
	}, nil
}

func gateBursts(h *Hall, size Size) (func(), error) {
	h.Desk.Supplier.Agree(supplier.Terms{Patience: 2 * time.Second, Idle: 2})
	end := jobs.Every(100*time.Millisecond, 1, h.Prices.Ask(pick(size, 50, 90, 160)))
	return func() {
		end()
		h.Desk.Supplier.Agree(supplier.Usual)
	}, nil
}

func handheldBeeps(h *Hall, size Size) (func(), error) {
	unlimited, err := limitDescriptors(descriptors)
	if err != nil {
		return nil, err
	}
	end, err := leashed(crowd.Send(crowd.Plan{
		Kind: "handhelds", URL: "tcp://" + h.Gateway.Address, Count: 64, Rate: pick(size, 32, 80, 250),
	}))
	return thenEnd(end, err, func() {
		h.Gateway.HangUpAll()
		unlimited()
	})
}

// limitDescriptors changes the soft limit of this process, and gives what restores it.
func limitDescriptors(most uint64) (func(), error) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return nil, err
	}
	changed := syscall.Rlimit{Cur: min(most, before.Max), Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &changed); err != nil {
		return nil, err
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			slog.Error("descriptors stay few", "error", err)
		}
	}, nil
}

// Reachable keeps operators welcome when a process is out of descriptors: for a moment, again and
// again, the limit is higher for them, or nobody could switch anything off any more.
type Reachable struct{ *net.TCPListener }

const (
	welcome = 100 * time.Microsecond
	rest    = 60 * time.Millisecond
)

// Accept takes the next operator's connection.
func (r Reachable) Accept() (net.Conn, error) {
	for {
		accepted, err := r.TCPListener.Accept()
		if errors.Is(err, syscall.EMFILE) {
			accepted, err = r.acceptBeyond()
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return accepted, err
		}
		time.Sleep(rest)
	}
}

// acceptBeyond takes a connection that is there already, whatever the limit is.
func (r Reachable) acceptBeyond() (net.Conn, error) {
	lower, err := limitDescriptors(math.MaxUint64)
	if err != nil {
		return nil, err
	}
	defer lower()
	_ = r.SetDeadline(time.Now().Add(welcome))
	defer func() { _ = r.SetDeadline(time.Time{}) }()
	return r.TCPListener.Accept()
}
