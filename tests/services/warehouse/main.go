// Command warehouse keeps the stock of a hall. It is a service that FirstFive's verdicts are tried on.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"acme.example/warehouse/internal/crowd"
)

func main() {
	name := flag.String("name", "warehouse-1", "name of this target, on every log line")
	listen := flag.String("listen", "127.0.0.1:0", "address for the users")
	admin := flag.String("admin", "127.0.0.1:0", "address for profiles and faults")
	load := flag.String("load", "", "send steady traffic to these URLs, with commas between, and serve nothing")
	rate := flag.Int("rate", 20, "with -load: requests a second for each URL")
	kind := flag.String("crowd", "", "with -load: be this crowd for the one URL; internal")
	count := flag.Int("count", 1, "with -crowd: how many at once; internal")
	play := flag.String("play", "", "be the ledger or the supplier, and say where on standard output; internal")
	follow := flag.Bool("follow-stdin", false, "end when standard input ends: when the parent is gone")
	flag.Parse()

	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("target", *name))
	if *follow {
		go endWithParent()
	}
	var err error
	switch {
	case *play != "":
		err = playPart(*play)
	case *kind != "":
		err = crowd.Run(crowd.Plan{Kind: *kind, URL: *load, Count: *count, Rate: *rate})
	case *load != "":
		crowd.Load(strings.Split(*load, ","), *rate)
	default:
		err = serve(*name, *listen, *admin)
	}
	if err != nil {
		slog.Error("cannot go on", "error", err)
		os.Exit(1)
	}
}

// announce says on standard output that we are ready.
func announce(name string, users, operators net.Listener) error {
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"name": name, "url": "http://" + users.Addr().String(), "admin": "http://" + operators.Addr().String(),
	})
}

// writeBuffer is what the kernel may hold for a reader who takes his time.
const writeBuffer = 128 << 10

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			if tcp, isTCP := connection.(*net.TCPConn); isTCP {
				_ = tcp.SetWriteBuffer(writeBuffer)
			}
			return ctx
		},
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
