package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"acme.example/warehouse/internal/api"
	"acme.example/warehouse/internal/jobs"
	"acme.example/warehouse/internal/ledger"
	"acme.example/warehouse/internal/ops"
	"acme.example/warehouse/internal/supplier"
)

// connections is how many we may open to the ledger.
const connections = 12

func serve(name, listen, admin string) error {
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(int(10 * time.Millisecond))

	users, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	operators, err := net.Listen("tcp", admin)
	if err != nil {
		return err
	}
	desk, err := newDesk()
	if err != nil {
		return err
	}
	gateway, err := api.NewGateway()
	if err != nil {
		return err
	}
	hall := ops.NewHall(desk, gateway, "http://"+users.Addr().String())
	jobs.Every(5*time.Second, 1, desk.Arrivals.Refresh)
	jobs.Every(500*time.Millisecond, 1, hall.Stock.Tell("picked"))
	jobs.Every(time.Second, 1, hall.Stock.Book)

	ended := make(chan error, 2)
	go func() { ended <- newServer(desk.Handler()).Serve(users) }()
	go func() {
		ended <- newServer(ops.Handler(ops.NewSwitches(hall))).Serve(ops.Reachable{TCPListener: operators.(*net.TCPListener)})
	}()
	if err := announce(name, users, operators); err != nil {
		return err
	}
	return <-ended
}

// parts are kept in sight: a pipe that is collected is closed, and its reader ends.
var parts []*exec.Cmd

// newDesk starts those whom we depend on and gives a desk that knows them.
func newDesk() (*api.Desk, error) {
	database, err := startPart("ledger")
	if err != nil {
		return nil, err
	}
	deliveries, err := startPart("supplier")
	if err != nil {
		return nil, err
	}
	return api.NewDesk(ledger.Open(database, connections), supplier.NewClient("http://"+deliveries)), nil
}

// startPart runs this program as one of those whom we depend on; it ends when we do.
func startPart(part string) (address string, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	command := exec.Command(program, "-play", part, "-name", part, "-follow-stdin")
	command.Stderr = os.Stderr
	if _, err = command.StdinPipe(); err != nil {
		return "", err
	}
	said, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err = command.Start(); err != nil {
		return "", err
	}
	parts = append(parts, command)
	address, err = bufio.NewReader(said).ReadString('\n')
	return strings.TrimSpace(address), err
}

// playPart is the ledger or the supplier.
func playPart(part string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	if part == "ledger" {
		return ledger.Serve(listener)
	}
	return supplier.Serve(listener)
}
