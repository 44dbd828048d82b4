// Package crowd is everybody outside: shops, handhelds, wallboards. They run in processes of their own.
package crowd

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan says who comes, where to, how many at once and how many a second.
type Plan struct {
	Kind  string
	URL   string
	Count int
	Rate  int
}

// Send starts a crowd in a process of its own, and gives what ends it.
func Send(p Plan) (func(), error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, "-crowd", p.Kind, "-load", p.URL, "-count", strconv.Itoa(p.Count),
		"-rate", strconv.Itoa(p.Rate), "-name", "crowd-"+p.Kind, "-follow-stdin")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = stdin.Close()
		_ = command.Wait()
	}, nil
}

var kinds = map[string]func(Plan){
	"shoppers": shoppers, "impatient": impatient, "idlers": idlers, "sleepers": sleepers, "strollers": strollers,
	"oneshots": oneshots, "handhelds": handhelds, "pollers": pollers,
}

// Run is the crowd's process.
func Run(p Plan) error {
	act, known := kinds[p.Kind]
	if !known {
		return fmt.Errorf("no crowd %q", p.Kind)
	}
	p.Count, p.Rate = max(1, p.Count), max(1, p.Rate)
	act(p)
	select {}
}

// Load sends steady traffic to the first page of every target.
func Load(targets []string, rate int) {
	for _, target := range targets {
		go shoppers(Plan{URL: target + "/", Count: 128, Rate: max(1, rate)})
	}
	select {}
}

// paced calls at a rate while there is a place: who waits keeps its place.
func paced(p Plan, visit func(number int)) {
	places := make(chan struct{}, p.Count)
	number := 0
	for range time.Tick(time.Second / time.Duration(p.Rate)) {
		select {
		case places <- struct{}{}:
			number++
			go func(n int) {
				defer func() { <-places }()
				visit(n)
			}(number)
		default:
		}
	}
}

func newClient(count int, patience time.Duration) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: count}, Timeout: patience}
}

// address puts the number of a visit where a URL has a star.
func address(url string, number int) string {
	if !strings.Contains(url, "*") {
		return url
	}
	return strings.ReplaceAll(url, "*", strconv.Itoa(number))
}

func visit(client *http.Client, url string) {
	answer, err := client.Get(url)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
}

// Kinds lists the crowds there are.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
