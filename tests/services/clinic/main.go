// Clinic gives visits to patients. It can be made ill, to see what is told of it: see README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"clinic/internal/billing"
	"clinic/internal/charts"
	"clinic/internal/outside"
	"clinic/internal/pharmacy"
	"clinic/internal/reception"
	"clinic/internal/vitals"
	"clinic/internal/wards"
)

var (
	listen = flag.String("listen", "127.0.0.1:0", "where users are served")
	admin  = flag.String("admin", "127.0.0.1:0", "where profiles and switches are")
	name   = flag.String("name", "clinic", "what it calls itself")
	load   = flag.String("load", "", "be the load of these URLs instead")
	rate   = flag.Int("rate", 20, "requests a second to each URL")
	follow = flag.Bool("follow-stdin", false, "end when standard input ends")
	away   = flag.Bool("outside", false, "be the world around a clinic instead")
)

// child is the world around: it ends when its standard input, which this process holds, is closed.
var child *exec.Cmd

func main() {
	flag.Parse()
	var err error
	switch {
	case *load != "":
		visitAll(strings.Split(*load, ","))
	case *away:
		var at outside.Addresses
		if at, err = outside.Open(); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(at)
		}
	default:
		err = serve()
	}
	if err != nil {
		log.Fatal(err)
	}
	if *follow {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	select {}
}

// visitAll is the load: its pace does not depend on the answers.
func visitAll(urls []string) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	for _, url := range urls {
		go outside.Paced(context.Background(), *rate, 128, func() { outside.Visit(context.Background(), client, url) })
	}
}

func serve() error {
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(10_000_000)
	at, err := world()
	if err != nil {
		return err
	}
	house, err := reception.Open(at)
	if err != nil {
		return err
	}
	users, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	operators, err := reception.Reserved(*admin)
	if err != nil {
		return err
	}
	house.URL = "http://" + users.Addr().String()
	reception.Streams(house)
	vitals.Streams(house)
	switches := slices.Concat(reception.Switches(), charts.Switches(), pharmacy.Switches(), wards.Switches(),
		vitals.Switches(), billing.Switches())
	go http.Serve(users, house.App)
	go http.Serve(operators, reception.Admin(house, switches))
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"name": *name, "url": house.URL, "admin": "http://" + operators.Addr().String(),
	})
}

// world starts the world around as a process that ends with this one.
func world() (at outside.Addresses, err error) {
	program, err := os.Executable()
	if err != nil {
		return at, err
	}
	child = exec.Command(program, "-outside", "-follow-stdin")
	child.Stderr = os.Stderr
	if _, err = child.StdinPipe(); err != nil {
		return at, err
	}
	said, err := child.StdoutPipe()
	if err != nil {
		return at, err
	}
	if err = child.Start(); err != nil {
		return at, err
	}
	line, err := bufio.NewReader(said).ReadBytes('\n')
	if err != nil {
		return at, err
	}
	return at, json.Unmarshal(line, &at)
}
