// Victim holds many goroutines and serves profiles, or asks such a process again and again how it is.
//
//	victim -goroutines N    says where it listens, ends with its standard input
//	victim -probe URL       writes when each request began and how long it took (ns), ends with its standard input
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

func main() {
	goroutines := flag.Int("goroutines", 0, "how many wait, half of them leaked")
	probe := flag.String("probe", "", "the address to ask")
	flag.Parse()
	done := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	if *probe != "" {
		ask(*probe, done)
		return
	}
	fill(*goroutines)
	serve()
	<-done
}

// Reachable, so that who waits for it is not leaked.
var kept []chan int

func fill(goroutines int) {
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(10_000_000)
	var started sync.WaitGroup
	for i := range goroutines {
		started.Add(1)
		forever := make(chan int)
		if i%2 == 0 {
			kept = append(kept, forever)
		}
		go holding(&started, i%8, forever)
	}
	started.Wait()
}

// holding calls itself some times, so that there is more than one stack, and waits.
//
//go:noinline
func holding(started *sync.WaitGroup, depth int, forever chan int) int {
	if depth > 0 {
		return holding(started, depth-1, forever) + 1
	}
	started.Done()
	return <-forever
}

func serve() {
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "well\n") })
	http.HandleFunc("GET /stops", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(stops()) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, nil)
	json.NewEncoder(os.Stdout).Encode(map[string]any{"url": "http://" + listener.Addr().String(), "pid": os.Getpid()})
}

// stop counts how often the runtime has stopped the world for up to so many seconds.
type stop struct {
	Seconds float64 `json:"seconds"`
	Count   uint64  `json:"count"`
}

func stops() []stop {
	read := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/sched/pauses/total/other:seconds"}}
	metrics.Read(read)
	found := []stop{}
	for _, each := range read {
		histogram := each.Value.Float64Histogram()
		for i, count := range histogram.Counts {
			if count > 0 {
				found = append(found, stop{max(histogram.Buckets[i], 0), count})
			}
		}
	}
	return found
}

// ask sends a request each millisecond, the next one when the last is answered.
func ask(address string, done <-chan struct{}) {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	next := time.NewTicker(time.Millisecond)
	for {
		began := time.Now()
		answer, err := http.Get(address)
		if err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		binary.Write(out, binary.LittleEndian, []int64{began.UnixNano(), time.Since(began).Nanoseconds()})
		select {
		case <-done:
			return
		case <-next.C:
		}
	}
}
