package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
)

func init() {
	register(&socketExhaustion{described: described{
		"socket-exhaustion", "Forgets to close its connections, up to the limit of open files", "socket-exhaustion",
	}})
}

var (
	fewMoreFiles     = [...]uint64{small: 512, medium: 512, large: 2048} // may be opened while the fault is on
	forgottenSockets = [...]int{small: 425, medium: 460, large: 1980}    // room stays for the operators, who want to look
)

const forgottenEachTime = 20

// socketExhaustion opens connections to a stock service for each request and forgets to close them.
type socketExhaustion struct {
	described
	mu        sync.Mutex
	stock     net.Listener // answers nothing: a connection to it is made by the kernel alone
	forgotten []net.Conn
	limit     syscall.Rlimit
}

func (f *socketExhaustion) start(s size) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stock, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		slog.Error("no stock service", "error", err)
		return
	}
	f.stock = stock
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &f.limit); err != nil {
		slog.Error("the limit of open files is unknown", "error", err)
		return
	}
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		slog.Error("the open files are unknown", "error", err)
		return
	}
	f.setLimit(min(uint64(len(open))+fewMoreFiles[s], f.limit.Cur))
}

func (f *socketExhaustion) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, connection := range f.forgotten {
		connection.Close()
	}
	f.forgotten = nil
	if f.stock != nil {
		f.stock.Close()
		f.stock = nil
	}
	if f.limit.Max != 0 {
		f.setLimit(f.limit.Cur)
	}
}

func (f *socketExhaustion) setLimit(files uint64) {
	limit := syscall.Rlimit{Cur: files, Max: f.limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		slog.Error("the limit of open files stays", "error", err)
	}
}

func (f *socketExhaustion) during(_ http.ResponseWriter, _ *http.Request, s size) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range forgottenEachTime {
		if f.stock == nil || len(f.forgotten) >= forgottenSockets[s] {
			break
		}
		connection, err := net.Dial("tcp", f.stock.Addr().String())
		if err != nil {
			break
		}
		f.forgotten = append(f.forgotten, connection)
	}
	return false
}
