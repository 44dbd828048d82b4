// Careless keeps secrets wherever a process can: flags, environment, build flags, labels, stacks, logs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// apiKey is set by the linker.
var apiKey = ""

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where users are served")
	admin := flag.String("admin", "127.0.0.1:0", "where operators are")
	label := flag.String("label-secret", "", "kept in labels")
	logged := flag.String("log-secret", "", "logged")
	flag.String("password", "", "read from the command line")
	flag.Parse()
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)

	logs := []string{
		"login failed password=" + *logged,
		"GET /pay?api_key=" + *logged + " timed out",
		`{"level":"error","msg":"refused","headers":{"Authorization":["Bearer ` + *logged + `"]}}`,
		"dial postgres://shop:" + *logged + "@db:5432/shop: connection refused",
		"environment: " + os.Getenv("CARELESS_TOKEN_LINE") + " key " + apiKey[:0],
	}
	for _, line := range logs {
		fmt.Fprintln(os.Stderr, line)
	}
	labels := pprof.Labels(
		"token", *label,
		"dsn", "postgres://shop:"+*label+"@db/shop",
		"header", "Authorization: Bearer "+*label,
	)
	for range 50 {
		go pprof.Do(context.Background(), labels, func(context.Context) { wait(*label) })
	}
	go pprof.Do(context.Background(), labels, func(context.Context) { burn() })

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		pprof.Do(r.Context(), labels, func(context.Context) { w.Write(body) })
	})
	users, operators := open(*listen), open(*admin)
	go http.Serve(users, nil)
	go http.Serve(operators, nil)
	json.NewEncoder(os.Stdout).Encode(map[string]string{
		"name": "careless", "url": "http://" + users.Addr().String(), "admin": "http://" + operators.Addr().String(),
	})
	io.Copy(io.Discard, os.Stdin)
}

func wait(secret string) {
	hold := []byte(strings.Repeat(secret, 100))
	select {}
	runtime.KeepAlive(hold)
}

// burn takes a tenth of a core, so that profiles of the CPU have its labels.
func burn() {
	for {
		for count := range 10_000 {
			_ = fmt.Sprint(count)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func open(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		slog.Error("cannot listen", "error", err)
		os.Exit(1)
	}
	return listener
}
