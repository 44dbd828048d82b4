// Command dispatcher gives parcels to couriers: a page for users, a framed RPC server for scanners and phones.
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

	"parcels.example/dispatcher/v2/backends"
	"parcels.example/dispatcher/v2/child"
	"parcels.example/dispatcher/v2/couriers"
	"parcels.example/dispatcher/v2/depot"
)

type options struct {
	name, listen, admin string
	load, couriers      string
	rate                int
	backends, follow    bool
}

func main() {
	var o options
	flag.StringVar(&o.name, "name", "dispatcher-1", "name of this target, on every log line")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address for the users")
	flag.StringVar(&o.admin, "admin", "127.0.0.1:0", "address for the operators")
	flag.StringVar(&o.load, "load", "", "send steady traffic to these URLs, with commas between, and serve nothing")
	flag.IntVar(&o.rate, "rate", 20, "with -load: requests a second for each URL")
	flag.StringVar(&o.couriers, "couriers", "", "be a crowd of couriers: an order as JSON")
	flag.BoolVar(&o.backends, "backends", false, "be the database, the carrier and the sorter")
	flag.BoolVar(&o.follow, "follow-stdin", false, "end when standard input ends")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("target", o.name))
	if o.follow {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	if err := run(o); err != nil {
		slog.Error("dispatcher ends", "error", err)
		os.Exit(1)
	}
}

func run(o options) error {
	switch {
	case o.load != "":
		sendLoad(strings.Split(o.load, ","), max(1, o.rate))
		return nil
	case o.couriers != "":
		return couriers.Run(o.couriers)
	case o.backends:
		return backends.Run()
	}
	return serve(o)
}

func serve(o options) error {
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(int(10 * time.Millisecond))
	line, stop, err := child.Start(true, "-backends")
	if err != nil {
		return err
	}
	defer stop()
	var behind backends.Addresses
	if err := json.Unmarshal(line, &behind); err != nil {
		return err
	}
	var doors [3]net.Listener
	for i, address := range []string{o.listen, o.admin, "127.0.0.1:0"} {
		if doors[i], err = net.Listen("tcp", address); err != nil {
			return err
		}
	}
	url := "http://" + doors[0].Addr().String()
	d := depot.Open(behind, url, doors[2].Addr().String())
	ended := make(chan error, 3)
	go func() { ended <- server(d.Pages()).Serve(doors[0]) }()
	go func() { ended <- server(adminPages(d.Scenarios())).Serve(doors[1]) }()
	go func() { ended <- d.Calls().Serve(doors[2]) }()
	if err := d.Begin(); err != nil {
		return err
	}
	err = json.NewEncoder(os.Stdout).Encode(map[string]string{
		"name": o.name, "url": url, "admin": "http://" + doors[1].Addr().String(),
	})
	if err != nil {
		return err
	}
	return <-ended
}

func server(pages http.Handler) *http.Server {
	return &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}
