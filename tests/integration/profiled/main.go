// Profiled has goroutines that wait, locks that are fought for and something to do. It ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
)

var kept []chan int

func waiting(forever chan int) int { return <-forever }

func main() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	for i := 0; i < 200; i++ {
		forever := make(chan int)
		kept = append(kept, forever)
		go pprof.Do(context.Background(), pprof.Labels("customer", "ada"), func(context.Context) { waiting(forever) })
	}
	var lock sync.Mutex
	for i := 0; i < 2; i++ {
		go func() {
			for {
				lock.Lock()
				_ = fmt.Sprint(make([]byte, 100))
				lock.Unlock()
			}
		}()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, nil)
	fmt.Println("http://" + listener.Addr().String())
	io.Copy(io.Discard, os.Stdin)
}
