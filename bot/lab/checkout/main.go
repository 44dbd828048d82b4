// Command checkout prices a customer's basket. It is the service FirstFive is tried on.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"
)

func main() {
	name := flag.String("name", "checkout-1", "name of this target, on every log line")
	listen := flag.String("listen", "127.0.0.1:0", "address for the users")
	admin := flag.String("admin", "127.0.0.1:0", "address for profiles, faults and metrics")
	secure := flag.String("secure", "127.0.0.1:0", "with -ca: address for the users over TLS")
	authority := flag.String("ca", "", "file to write the authority to that signs for -secure")
	load := flag.String("load", "", "send steady traffic to these URLs, with commas between, and serve nothing")
	rate := flag.Int("rate", 20, "with -load: requests a second for each URL")
	crowd := flag.String("crowd", "", "be the customers that this JSON describes, and serve nothing")
	follow := flag.Bool("follow-stdin", false, "end when standard input ends: when the parent is gone")
	flag.Parse()

	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("target", *name))
	if *follow {
		go endWithParent()
	}
	if *load != "" {
		sendLoad(strings.Split(*load, ","), max(1, *rate))
		return
	}
	err := error(nil)
	if *crowd != "" {
		err = comeCrowd(*crowd)
	} else {
		err = serve(*name, *listen, *admin, *secure, *authority)
	}
	slog.Error("cannot go on", "error", err)
	os.Exit(1)
}

// serve opens its ports, says on standard output where they are, and stays.
func serve(name, listen, admin, secure, authority string) error {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(int(10 * time.Microsecond))

	waitForPrices()
	users, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	operators, err := net.Listen("tcp", admin)
	if err != nil {
		return err
	}

	requests := newRequestMetrics()
	faults := newSwitches(allFaults)
	ended := make(chan error, 3)
	announced := map[string]string{
		"name":  name,
		"url":   "http://" + users.Addr().String(),
		"admin": "http://" + operators.Addr().String(),
	}
	if authority != "" {
		listener, config, err := listenSecurely(secure, authority)
		if err != nil {
			return err
		}
		server := newServer(inTheChain(usersHandler(requests, faults)))
		server.TLSConfig = config
		announced["https"] = "https://" + listener.Addr().String()
		announced["ca"], announced["server_name"] = authority, secureName
		go func() { ended <- server.ServeTLS(listener, "", "") }()
	}
	go func() { ended <- newServer(inTheChain(usersHandler(requests, faults))).Serve(users) }()
	go func() { ended <- newServer(adminHandler(requests, faults)).Serve(operators) }()

	usersURL.Store("http://" + users.Addr().String())
	slog.Info("serving", "url", users.Addr().String(), "admin", operators.Addr().String(), "version", readBuild().Version)
	if err = json.NewEncoder(os.Stdout).Encode(announced); err != nil {
		return err
	}
	return <-ended
}

// newServer sets no WriteTimeout: a CPU profile takes as long as was asked for.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// endWithParent holds even after kill -9: the kernel closes the parent's end of the pipe.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
